// Package messaging carries integration events from a service's outbox to Kafka and from Kafka to the service's
// handler: the relay, the consumer, the topics, and the place where messages are parked.
//
// It is Watermill, configured for this stack: its SQL schema for the outbox, its Kafka marshaler on the way out,
// its router and middleware on the way in. Two parts are our own. The relay stands in for Watermill's forwarder, which
// sends one message a call; and one consumer group over all topics of a service stands in for Watermill's Kafka
// subscriber, which makes a group member, a client and a fetch loop per topic. The consumer stands on franz-go; what is
// sent, the topics and the look at the group's progress stand on sarama.
//
// What it promises: every committed row of the outbox reaches Kafka at least once, and the first copies of
// records with the same topic and key stand in the order of their commits. Every record of a topic that a
// service hears is either handled or parked whole, never dropped, and none holds up those of other partitions.
package messaging
