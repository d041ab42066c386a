// Package pgtest gives tests real PostgreSQL databases, each test its own.
//
// The first test of a process that asks starts a server, with its data in a temporary folder and nothing forced to
// disk; all others share it. A database is cloned from a template that was migrated once, which takes a fraction of
// the time that migrating takes:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestLevels(t *testing.T) {
//		url := pgtest.Database(t, pgtest.Template{Name: "inventory", Migrate: inventory.Migrate})
//		…
//	}
//
// What one transaction leaves open holds up the reader of every outbox on the same server: a test that leaves some
// open on purpose, or that stops or kills its server, takes one of its own with Server.
//
// The environment variable WAYBILL_TEST_POSTGRES chooses the server's programs: "system" for those that the machine's
// packages installed, "embedded" for PostgreSQL 18, fetched once for each user. Without it the system's are taken where
// there are any.
package pgtest
