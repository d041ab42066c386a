package chaos

import (
	"context"
	"fmt"
	"time"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/verify"
)

// restTold is how often people are told what is waited for.
const restTold = 10 * time.Second

// awaitRest waits until every order has come to its end, and an audit finds nothing under way.
func (w *world) awaitRest(ctx context.Context, l *load) error {
	told := time.Now()
	return client.Await(ctx, func(ctx context.Context) (waits error) {
		defer func() {
			if waits != nil && time.Since(told) > restTold {
				w.say("still: %v", waits)
				told = time.Now()
			}
		}()
		if err := l.atRest(); err != nil {
			return err
		}
		books, err := w.verify(ctx)
		if n := books.InFlight + books.Waiting; err == nil && n > 0 {
			err = fmt.Errorf("%d orders are in flight", n)
		}
		return err
	})
}

// verify holds all books against what must be true at rest, as "waybill verify --at-rest" does.
func (w *world) verify(ctx context.Context) (verify.Report, error) {
	sources := verify.Sources{
		Databases: map[string]string{}, Brokers: []string{w.brokers.address()},
		Provider: w.suite.Process(suite.Provider).URL(), Carrier: w.suite.Process(suite.Carrier).URL(),
	}
	for service, access := range w.access {
		sources.Databases[service] = access.ServiceURL
	}
	return verify.Run(ctx, verify.Options{Sources: sources, AtRest: true})
}
