package contracts

// Topic declares one Kafka topic.
type Topic struct {
	Name string
	// Partitions is fixed for ever: another number would move keys to other partitions and break their order.
	Partitions int32
	// RetentionMillis is -1: events are kept without limit.
	RetentionMillis int64
}

// Partitions is the number of partitions of every topic.
const Partitions = 12

// Topics declares the topic of every event of the catalogue.
func Topics() []Topic {
	var topics []Topic
	for _, e := range Catalogue() {
		topics = append(topics, Topic{Name: e.Type().Topic(), Partitions: Partitions, RetentionMillis: -1})
	}
	return topics
}
