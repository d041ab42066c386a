package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/es"
	"waybill.dev/platform/failure"
)

// reads puts the reads that wait at the same moment into one statement, as commands share commits.
type reads struct {
	mu      sync.Mutex
	waiting []*read
	readers int
}

type read struct {
	ids    []es.StreamID
	states es.States
	done   chan error
}

const (
	// readStreams bounds the streams of one statement.
	readStreams = 200
	// readers are at work at a time, so that a read that is slow does not hold up the others.
	readers = 2
	// readTimeout ends a read on a server that has stopped answering.
	readTimeout = 5 * time.Second
)

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
	leads := l.reads.readers < readers
	if leads {
		l.reads.readers++
	}
	l.reads.mu.Unlock()
	if leads {
		// It reads for whoever comes meanwhile, in a context of nobody's: each may give up before the others.
		go l.readAll()
	}
	select {
	case err := <-r.done:
		return r.states, err
	case <-ctx.Done():
		return es.States{}, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
}

// readAll reads until nobody waits.
func (l *Log) readAll() {
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
			l.reads.readers--
			l.reads.mu.Unlock()
			return
		}
		l.reads.mu.Unlock()
		l.readTogether(batch)
	}
}

// readTogether folds the streams of all reads in one statement. They share the states, which nobody changes any more.
// Where it fails each read is done by itself, so that one never fails another.
func (l *Log) readTogether(batch []*read) {
	states, err := l.readStates(batch)
	if errors.Is(err, errLostRace) {
		states, err = l.readStates(batch) // what was remembered has been forgotten
	}
	if err != nil && len(batch) > 1 && !errors.Is(classify(err), errAway) {
		for _, r := range batch {
			l.readTogether([]*read{r})
		}
		return
	}
	for _, r := range batch {
		r.states = states
		r.done <- unavailable(err)
	}
}

func (l *Log) readStates(batch []*read) (states es.States, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	defer failure.Recovered(&err)
	var ids []es.StreamID
	for _, r := range batch {
		ids = append(ids, r.ids...)
	}
	states = es.NewStates()
	b := &pgx.Batch{}
	l.queueLoad(b, states, ids)
	return states, l.Pool.SendBatch(ctx, b).Close()
}
