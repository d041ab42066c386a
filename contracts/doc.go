// Package contracts is Waybill's published language: the integration events that the services say to each
// other, the topics they travel on, and their form as CloudEvents on Kafka.
//
// It is the only thing services share. An event's Go type carries its meaning in its doc comment, and the
// event catalogue, the JSON Schemas and the AsyncAPI document are generated from these comments. A published
// event changes by addition only; anything else is a new version with a type of its own.
package contracts

//go:generate go run ./internal/generate
