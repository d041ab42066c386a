// Package postgres gives each service its place in a database: roles and a schema (Provision), the tables in
// it (Migrate, Migrated), and connections that behave (Open).
package postgres
