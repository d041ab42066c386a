package messaging

import (
	"time"

	"github.com/IBM/sarama"
)

// maxMessageBytes bounds a record, and a batch of records for one partition. It is above what an order of the
// largest accepted size comes to, and the topics are created with it.
const maxMessageBytes = 4 << 20

// kafkaConfig is what every client of ours starts from. The version is the lowest broker that is supported.
func kafkaConfig(clientID string) *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V3_6_0_0
	c.ClientID = clientID
	c.Net.DialTimeout = 3 * time.Second
	c.Net.ReadTimeout = 5 * time.Second
	c.Net.WriteTimeout = 5 * time.Second
	// Whoever uses a client tries again at its own pace; sarama's many tries would only hide that Kafka is away.
	c.Metadata.Retry.Max = 1
	c.Metadata.Retry.Backoff = 200 * time.Millisecond
	c.Metadata.Full = false
	c.Metadata.AllowAutoTopicCreation = false
	return c
}

// adminConfig is that of clients which ask the cluster about itself. Without its whole metadata sarama does not
// find the controller.
func adminConfig(clientID string) *sarama.Config {
	c := kafkaConfig(clientID)
	c.Metadata.Full = true
	c.Admin.Retry.Max = 1
	c.Admin.Timeout = 4 * time.Second
	return c
}
