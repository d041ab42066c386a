package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/verify"
)

// restTold is how often people are told what is waited for.
const restTold = 10 * time.Second

// awaitRest waits until every order has come to its end and nothing is under way: no message unsent or unheard, and no
// job.
func (w *world) awaitRest(ctx context.Context, l *load) error {
	kafka, err := kgo.NewClient(kgo.SeedBrokers(w.brokers.address()))
	if err != nil {
		return err
	}
	defer kafka.Close()
	admin := kadm.NewClient(kafka)
	told := time.Now()
	return client.Await(ctx, func(ctx context.Context) (waits error) {
		defer func() {
			if waits != nil && time.Since(told) > restTold {
				w.say("still: %v", waits)
				told = time.Now()
			}
		}()
		before, err := w.count(ctx, `SELECT count(*) FROM %s.events`)
		if err != nil {
			return err
		}
		if err := l.atRest(); err != nil {
			return err
		}
		for _, of := range []struct{ what, query string }{
			{"messages have not been sent", `SELECT count(*) FROM %[1]s.watermill_outbox WHERE (transaction_id, "offset") > (
				coalesce((SELECT last_processed_transaction_id FROM %[1]s.watermill_offsets_outbox WHERE consumer_group = 'relay'), '0'),
				coalesce((SELECT offset_acked FROM %[1]s.watermill_offsets_outbox WHERE consumer_group = 'relay'), 0))`},
			{"jobs have not been done", `SELECT count(*) FROM %s.river_job WHERE finalized_at IS NULL`},
		} {
			if n, err := w.count(ctx, of.query); err != nil || n > 0 {
				return errors.Join(err, fmt.Errorf("%d %s", n, of.what))
			}
		}
		lags, err := admin.Lag(ctx, suite.ServiceNames()...)
		if err != nil {
			return err
		}
		for _, service := range suite.ServiceNames() {
			group := lags[service]
			if lag := group.Lag.Total(); group.Error() != nil || lag != 0 {
				return errors.Join(group.Error(), fmt.Errorf("%d messages have not been heard by %s", lag, service))
			}
		}
		after, err := w.count(ctx, `SELECT count(*) FROM %s.events`)
		if err == nil && after != before {
			err = errors.New("facts are still being written")
		}
		return err
	})
}

// count adds up what a query counts in each service's schema.
func (w *world) count(ctx context.Context, query string) (sum int64, err error) {
	err = w.query(ctx, func(conn *pgx.Conn) error {
		for _, service := range suite.ServiceNames() {
			var n int64
			if err := conn.QueryRow(ctx, fmt.Sprintf(query, service)).Scan(&n); err != nil {
				return fmt.Errorf("%s: %w", service, err)
			}
			sum += n
		}
		return nil
	})
	return sum, err
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
