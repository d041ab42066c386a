// Package local is the home of the servers that one machine needs to run Waybill without any installed
// beforehand: PostgreSQL (package postgres), Apache Kafka (package kafka), and an embedded broker that
// speaks Kafka's protocol (package broker). Each listens on loopback only and ends with the process
// that started it, however that one ends.
package local
