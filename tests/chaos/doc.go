// Package chaos breaks real processes on a real PostgreSQL and a real Apache Kafka, and holds them to what they promise:
// nothing is lost, nothing happens twice, and order holds within a topic and key.
//
// Its tests are built with the tag "chaos" and run by themselves (make test-chaos): they take minutes, and both cores.
package chaos
