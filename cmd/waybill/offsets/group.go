package offsets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Group is the consumer group of a service, as the server names it.
func Group(prefix, service string) string { return prefix + service }

// Committed is how far a group has come, by the names of topics on Kafka. It is empty where Kafka does not know the group.
func Committed(ctx context.Context, admin *kadm.Client, group string) (kadm.Offsets, error) {
	fetched, err := coordinated(ctx, func() (kadm.OffsetResponses, error) { return admin.FetchOffsets(ctx, group) })
	if err != nil {
		if errors.Is(err, kerr.GroupIDNotFound) {
			return nil, nil
		}
		return nil, fmt.Errorf("kafka: group %s: %w", group, err)
	}
	committed := kadm.Offsets{}
	fetched.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil && o.At >= 0 {
			committed.Add(o.Offset)
		}
	})
	return committed, nil
}

// coordinated asks a group's coordinator: Kafka makes its topic of offsets when it is first asked for one. The client
// pauses between its own tries.
func coordinated[A any](ctx context.Context, ask func() (A, error)) (A, error) {
	answer, err := ask()
	for until := time.Now().Add(patience); errors.Is(err, kerr.CoordinatorNotAvailable) && ctx.Err() == nil && time.Now().Before(until); {
		answer, err = ask()
	}
	return answer, err
}
