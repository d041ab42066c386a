package eventlog

import (
	"context"
	"time"
)

// lane is where commands wait for a shared commit. Each lane has one commit under way at a time, beside those of the
// other lanes: who waits for an answer does not wait for the commits of messages, which are larger and less urgent.
type lane struct {
	queue chan *pending
	// longest bounds the rest between two commits.
	longest time.Duration
	ended   time.Time     // when the last shared commit did
	took    time.Duration // how long it took
}

func newLane(longest time.Duration) lane {
	return lane{queue: make(chan *pending), longest: longest}
}

// next waits for a command and takes along those that wait at the same moment, or come while the lane rests. It returns
// nil when the log is to stop.
//
// A lane rests twice as long as its last commit took, so that it spends a third of the time committing at most: the
// busier the machine, the fewer and larger the commits. A command that comes alone finds a lane that has rested.
func (l *lane) next(ctx context.Context) []*pending {
	var batch []*pending
	locks := 0
	take := func(p *pending) {
		batch = append(batch, p)
		locks += p.locks()
	}
	select {
	case p := <-l.queue:
		take(p)
	case <-ctx.Done():
		return nil
	}
	due := l.ended.Add(min(2*l.took, l.longest))
	for len(batch) < sharedCommands && locks < sharedLocks {
		select {
		case p := <-l.queue:
			take(p)
			continue
		default:
		}
		wait := time.Until(due)
		if wait <= 0 || ctx.Err() != nil {
			break
		}
		select {
		case p := <-l.queue:
			take(p)
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return batch
}

// locks is how many locks the request is known to take.
func (p *pending) locks() int {
	n := len(p.Command.Streams)
	if p.Idempotency != nil {
		n++
	}
	return n
}
