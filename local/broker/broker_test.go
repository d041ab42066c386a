package broker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
)

const topic = "commerce.test.happened"

func numbers(from, to int) []string {
	var all []string
	for number := from; number < to; number++ {
		all = append(all, fmt.Sprint(number))
	}
	slices.Sort(all)
	return all
}

func TestEverythingOutlivesKill(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	first := startHosted(t, data, 0)
	createTopic(t, first.address, topic, 12)
	producer := newProducer(t, first.address)
	for number := range 100 {
		if _, _, err := producer.SendMessage(message(topic, number)); err != nil {
			t.Fatal(err)
		}
	}
	got := consume(t, first.address, "readers", topic, 60)
	first.kill()

	_, portText, err := net.SplitHostPort(first.address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	second := startHosted(t, data, port)

	// The producer of before goes on: its id and its sequence numbers are known.
	for number := 100; number < 120; number++ {
		if _, _, err := producer.SendMessage(message(topic, number)); err != nil {
			t.Fatalf("message %d after the restart: %v", number, err)
		}
	}
	// So does the group, where it was: all that it had not had, and nothing that it had.
	got = append(got, consume(t, second.address, "readers", topic, 60)...)
	slices.Sort(got)
	if difference := cmp.Diff(numbers(0, 120), got); difference != "" {
		t.Errorf("what the group read (-want +got):\n%s", difference)
	}
	// And a new group finds all there is.
	all := consume(t, second.address, "newcomers", topic, 120)
	slices.Sort(all)
	if difference := cmp.Diff(numbers(0, 120), all); difference != "" {
		t.Errorf("what a new group read (-want +got):\n%s", difference)
	}
}

func TestEverythingOutlivesStop(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	first, err := Start(Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	address := first.Brokers()[0]
	createTopic(t, address, topic, 3)
	producer := newProducer(t, address)
	for number := range 20 {
		if _, _, err := producer.SendMessage(message(topic, number)); err != nil {
			t.Fatal(err)
		}
	}
	got := consume(t, address, "readers", topic, 15)
	for range 2 {
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	second, err := Start(Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Stop()
	got = append(got, consume(t, second.Brokers()[0], "readers", topic, 5)...)
	slices.Sort(got)
	if difference := cmp.Diff(numbers(0, 20), got); difference != "" {
		t.Errorf("what the group read (-want +got):\n%s", difference)
	}
}

func TestTopicsAreNotMadeByAsking(t *testing.T) {
	t.Parallel()
	broker, err := Start(Config{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Stop()
	config := clientConfig()
	config.Producer.Retry.Max, config.Metadata.Retry.Max = 1, 0
	producer, err := sarama.NewSyncProducer(broker.Brokers(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if _, _, err := producer.SendMessage(message("never.declared", 1)); !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		t.Errorf("a message to a topic that nobody made: %v, want %v", err, sarama.ErrUnknownTopicOrPartition)
	}
}

func TestEphemeralLeavesNothing(t *testing.T) {
	t.Parallel()
	broker, err := Start(Config{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	createTopic(t, broker.Brokers()[0], topic, 3)
	if _, _, err := newProducer(t, broker.Brokers()[0]).SendMessage(message(topic, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(broker.folder.Path); err != nil {
		t.Fatal(err)
	}
	if err := broker.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(broker.folder.Path); !os.IsNotExist(err) {
		t.Errorf("the data folder is still there: %v", err)
	}
}

func TestRefusedStarts(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	broker, err := Start(Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Stop()
	_, portText, err := net.SplitHostPort(broker.address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	broken := func(file, content string) string {
		path := filepath.Join(t.TempDir(), file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for filepath.Base(path) != clusterName {
			path = filepath.Dir(path)
		}
		return filepath.Dir(path)
	}
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"port taken":     {Config{Ephemeral: true, Port: port}, "is taken"},
		"folder in use":  {Config{Data: data}, "in use"},
		"no folder":      {Config{}, "no data folder given"},
		"garbage":        {Config{Data: broken("cluster/meta.json", "\x00")}, "meta.json"},
		"newer":          {Config{Data: broken("cluster/meta.json", `{"version":99}`)}, "newer"},
		"meta missing":   {Config{Data: broken("cluster/partitions/a-0/0.dat", "records")}, "broken"},
		"something else": {Config{Data: filepath.Dir(data)}, "holds data"},
	} {
		_, err := Start(test.config)
		if err == nil {
			t.Errorf("%s: it started, and should not have", name)
			continue
		}
		wantFailure(t, err, test.want)
	}
}
