package kafka

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"waybill.dev/local/freeport"
)

// What a data folder holds.
const (
	logName        = "log"
	propertiesName = "server.properties"
	// formattingName is a log folder under way: it is renamed when it is whole.
	formattingName = "log.formatting"
)

// brokerProperties are the settings of a broker that is alone.
func brokerProperties(logFolder string, port, advertised, controller int) []byte {
	settings := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        "1",
		"controller.quorum.voters":       "1@" + freeport.Address(controller),
		"listeners":                      "BROKER://" + freeport.Address(port) + ",CONTROLLER://" + freeport.Address(controller),
		"advertised.listeners":           "BROKER://" + freeport.Address(advertised),
		"listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name":     "BROKER",
		"controller.listener.names":      "CONTROLLER",
		"log.dirs":                       escape(logFolder),

		"auto.create.topics.enable":                "false",
		"default.replication.factor":               "1",
		"offsets.topic.replication.factor":         "1",
		"offsets.topic.num.partitions":             "8",
		"transaction.state.log.replication.factor": "1",
		"transaction.state.log.min.isr":            "1",
		"transaction.state.log.num.partitions":     "8",

		// Kafka's default forgets the place of a group that was away for a week.
		"offsets.retention.minutes": "2147483647",
		"log.retention.ms":          "-1",

		// Waiting for further members at first is for many consumers that start together.
		"group.initial.rebalance.delay.ms": "0",
		"group.min.session.timeout.ms":     "1000",

		// There is nobody to hand the leadership to. After a crash the node waits until its former self counts as dead
		// before it may register again, 9 s by default.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "1000",
		"controlled.shutdown.enable":   "false",

		// Two cores are shared with everything else, and the heap is small.
		"num.network.threads":              "2",
		"num.io.threads":                   "4",
		"background.threads":               "2",
		"log.cleaner.dedupe.buffer.size":   "8388608",
		"metric.reporters":                 "",
		"auto.include.jmx.reporter":        "false",
		"remote.log.storage.system.enable": "false",
	}
	properties := new(bytes.Buffer)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(properties, "%s=%s\n", name, settings[name])
	}
	return properties.Bytes()
}

// escape keeps Java from reading a backslash in a path as the beginning of something else.
func escape(path string) string { return strings.ReplaceAll(path, `\`, `\\`) }
