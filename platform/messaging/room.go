package messaging

import (
	"context"
	"sync"
	"time"

	"waybill.dev/platform/internal/pace"
)

// room says whether there is room in the parking place. While there is none nothing is taken from Kafka: what comes
// waits there, where it is safe and in order.
type room struct {
	mu sync.Mutex
	// full is closed when there is room again; nil while there is.
	full chan struct{}
	// crowded says that the parking place is full, by messages that did not come from Kafka too.
	crowded bool
}

// set notes how things are, and says whether that has changed.
func (r *room) set(full, crowded bool) (changed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.crowded = crowded
	switch {
	case full && r.full == nil:
		r.full = make(chan struct{})
	case !full && r.full != nil:
		close(r.full)
		r.full = nil
	default:
		return false
	}
	return true
}

// wait waits for room, and says whether the context still stands.
func (r *room) wait(ctx context.Context) bool {
	r.mu.Lock()
	full := r.full
	r.mu.Unlock()
	if full == nil {
		return true
	}
	select {
	case <-full:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *room) state() (full, crowded bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.full != nil, r.crowded
}

const (
	// countEvery is how often the parked messages are counted, and countFull how often while there is no room.
	countEvery = 10 * time.Second
	countFull  = time.Second
)

// keepCount counts until the context ends.
func (c *Consumer) keepCount(ctx context.Context) {
	for ctx.Err() == nil {
		c.count(ctx)
		pause := countEvery
		if full, _ := c.room.state(); full {
			pause = countFull
		}
		pace.Sleep(ctx, pause)
	}
}

// count finds out whether there is room.
func (c *Consumer) count(ctx context.Context) {
	c.counting.Lock() // so that an older count never comes after a newer one
	defer c.counting.Unlock()
	var heard, all int
	err := c.Pool.QueryRow(ctx, `SELECT
			(SELECT count(*) FROM (SELECT FROM parked_messages WHERE state = 'parked' AND origin = 'kafka' LIMIT $1) AS heard),
			(SELECT count(*) FROM (SELECT FROM parked_messages WHERE state = 'parked' LIMIT $1) AS parked)`, c.ParkingPlaces).Scan(&heard, &all)
	if err != nil {
		return
	}
	full := heard >= c.ParkingPlaces
	c.parked.Set(float64(all))
	c.paused.Set(0)
	if full {
		c.paused.Set(1)
	}
	if !c.room.set(full, all >= c.ParkingPlaces) {
		return
	}
	if full {
		c.Logger.ErrorContext(ctx, "the parking place is full: nothing more is heard until there is room", "places", c.ParkingPlaces)
	} else {
		c.Logger.InfoContext(ctx, "there is room in the parking place: messages are heard again")
	}
}
