package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"waybill.dev/local/freeport"
	"waybill.dev/local/internal/child"
)

// awaitServing returns when the broker counts itself in: its port is open long before it does any work.
func awaitServing(ctx context.Context, process *child.Process, port int) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(freeport.Address(port)),
		kgo.RetryTimeout(time.Nanosecond),
		kgo.DialTimeout(time.Second),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-process.Done():
			cancel()
		case <-asking.Done():
		}
	}()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		response, err := kmsg.NewPtrMetadataRequest().RequestWith(asking, client)
		if err == nil && len(response.Brokers) == 1 {
			return nil
		}
		select {
		case <-process.Done():
			return startFailure(process.Lines(), port)
		case <-ctx.Done():
			return fmt.Errorf("the broker does not serve within the time given: %w", errors.Join(err, ctx.Err()))
		case <-ticker.C:
		}
	}
}

var errPortTaken = errors.New("is taken")

// startFailure makes one line of what the broker said before it gave up.
func startFailure(lines []string, port int) error {
	said := "it said nothing"
	for _, line := range lines {
		switch {
		case strings.Contains(line, "Address already in use"), strings.Contains(line, "BindException"):
			return fmt.Errorf("port %d, or the controller's, %w", port, errPortTaken)
		case strings.Contains(line, "UnsupportedClassVersionError"):
			return errors.New("this Java is too old: Kafka needs 17 or later")
		case strings.HasPrefix(line, "at "):
			// A line of a stack trace.
		case said == "it said nothing", strings.Contains(line, " ERROR "), strings.Contains(line, "Exception:"):
			said = line
		}
	}
	return fmt.Errorf("the broker did not start: %s", said)
}

// logLine hands a line of the broker's log on: "[thread] LEVEL class - text", or a line of a stack trace.
func logLine(logger *slog.Logger, line string) {
	level := slog.LevelDebug
	if _, rest, found := strings.Cut(line, "] "); found && strings.HasPrefix(rest, "ERROR ") {
		level = slog.LevelWarn
	}
	logger.Log(context.Background(), level, "kafka: "+line)
}
