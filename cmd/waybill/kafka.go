package main

import (
	"cmp"

	"waybill.dev/cmd/waybill/suite"
)

// onKafka is taken by commands that read or write Kafka.
type onKafka struct {
	Kafka  []string `help:"Kafka brokers, where the suite does not tell." env:"KAFKA_BROKERS" placeholder:"HOST:PORT"`
	Prefix string   `help:"Stands before the names of topics and consumer groups, instead of the suite's." env:"PUBLISH_PREFIX"`
}

// or is what is named, and the suite's for the rest. Brokers that are named are not the suite's, and have no prefix of it.
func (k onKafka) or(running suite.Description) (brokers []string, prefix string) {
	if len(k.Kafka) > 0 {
		return k.Kafka, k.Prefix
	}
	return running.KafkaBrokers, cmp.Or(k.Prefix, running.PublishPrefix)
}
