// Package server is what a service runs on: it wires the event log, the relay, the consumer, the jobs and the
// HTTP server together, and knows nothing about orders.
//
// A service hands over its table of contents (Service), and New makes a Server of it. Nothing here is global: a
// service may run twice in one process, and five may run in one.
package server
