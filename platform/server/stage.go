package server

import (
	"context"
	"sync"
)

// stage is a set of goroutines that are stopped together.
type stage struct {
	mu      sync.Mutex
	cancels []context.CancelFunc
	running sync.WaitGroup
}

func (g *stage) start(ctx context.Context, run func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	g.mu.Lock()
	g.cancels = append(g.cancels, cancel)
	g.mu.Unlock()
	g.running.Go(func() { run(ctx) })
}

func (g *stage) stop() {
	g.mu.Lock()
	for _, cancel := range g.cancels {
		cancel()
	}
	g.mu.Unlock()
	g.running.Wait()
}
