package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/es"
)

// reads puts the reads that wait at the same moment into one statement, as commands share commits.
type reads struct {
	mu      sync.Mutex
	waiting []*read
	running bool
}

type read struct {
	ids    []es.StreamID
	states es.States
	done   chan error
}

// readStreams bounds the streams of one statement.
const readStreams = 200

// Load folds streams for reading, all as of one moment. It takes no locks.
func (l *Log) Load(ctx context.Context, ids ...es.StreamID) (es.States, error) {
	for _, id := range ids {
		if _, ok := l.categories[id.Category]; !ok {
			return es.States{}, fmt.Errorf("stream %s: no such category", id)
		}
	}
	r := &read{ids: slices.Clone(ids), done: make(chan error, 1)}
	l.reads.mu.Lock()
	l.reads.waiting = append(l.reads.waiting, r)
	leads := !l.reads.running
	l.reads.running = true
	l.reads.mu.Unlock()
	if leads {
		// Whoever comes while nobody reads does it for all that come meanwhile, in the background: its own caller
		// may give up before the others.
		go l.readAll(context.WithoutCancel(ctx))
	}
	select {
	case err := <-r.done:
		return r.states, err
	case <-ctx.Done():
		return es.States{}, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
}

// readAll reads until nobody waits.
func (l *Log) readAll(ctx context.Context) {
	for {
		l.reads.mu.Lock()
		var batch []*read
		streams := 0
		for len(l.reads.waiting) > 0 && (streams == 0 || streams+len(l.reads.waiting[0].ids) <= readStreams) {
			batch = append(batch, l.reads.waiting[0])
			streams += len(l.reads.waiting[0].ids)
			l.reads.waiting = l.reads.waiting[1:]
		}
		if len(batch) == 0 {
			l.reads.running = false
			l.reads.mu.Unlock()
			return
		}
		l.reads.mu.Unlock()
		l.readTogether(ctx, batch)
	}
}

// readTogether folds the streams of all reads in one statement. They share the states, which nobody changes any more.
// Where it fails each read is done by itself, so that one never fails another.
func (l *Log) readTogether(ctx context.Context, batch []*read) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	var ids []es.StreamID
	for _, r := range batch {
		ids = append(ids, r.ids...)
	}
	states := es.NewStates()
	b := &pgx.Batch{}
	l.queueLoad(b, states, ids)
	err := l.Pool.SendBatch(ctx, b).Close()
	if err != nil && len(batch) > 1 && !errors.Is(classify(err), errAway) {
		for _, r := range batch {
			l.readTogether(ctx, []*read{r})
		}
		return
	}
	for _, r := range batch {
		r.states = states
		r.done <- unavailable(err)
	}
}
