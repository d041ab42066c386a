package saga

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
)

// awaitRest waits until nothing is under way in the suite: no message unsent, undelivered or unheard, and no job.
func (s *testSuite) awaitRest(t *testing.T) {
	t.Helper()
	await(t, func(ctx context.Context) error {
		before, err := s.facts(ctx)
		if err != nil {
			return err
		}
		// In the order of a message's way. What is written behind our back is a fact more.
		for _, check := range []func(context.Context) error{s.checkSent, s.checkDelivered, s.checkHeard, s.checkWorked} {
			if err := check(ctx); err != nil {
				return err
			}
		}
		after, err := s.facts(ctx)
		if err == nil && after != before {
			err = errors.New("facts are still being written")
		}
		return err
	})
}

// count adds up what a query counts in each service's schema.
func (s *testSuite) count(ctx context.Context, query string) (sum int64, err error) {
	for _, service := range suite.ServiceNames() {
		var n int64
		if err := s.database.QueryRow(ctx, fmt.Sprintf(query, service)).Scan(&n); err != nil {
			return 0, fmt.Errorf("%s: %w", service, err)
		}
		sum += n
	}
	return sum, nil
}

func (s *testSuite) facts(ctx context.Context) (int64, error) {
	return s.count(ctx, `SELECT count(*) FROM %s.events`)
}

func (s *testSuite) checkSent(ctx context.Context) error {
	unsent, err := s.count(ctx, `
SELECT count(*) FROM %[1]s.watermill_outbox WHERE (transaction_id, "offset") > (
	coalesce((SELECT last_processed_transaction_id FROM %[1]s.watermill_offsets_outbox WHERE consumer_group = 'relay'), '0'),
	coalesce((SELECT offset_acked FROM %[1]s.watermill_offsets_outbox WHERE consumer_group = 'relay'), 0))`)
	if err == nil && unsent > 0 {
		err = fmt.Errorf("%d messages have not been sent", unsent)
	}
	return err
}

func (s *testSuite) checkDelivered(ctx context.Context) error {
	if s.pump == nil {
		return nil
	}
	ends, err := s.admin.ListEndOffsets(ctx, prefixed(s.config.PublishPrefix, contracts.Topics())...)
	if err != nil {
		return err
	}
	if err := ends.Error(); err != nil {
		return err
	}
	said := int64(0)
	for _, partitions := range ends {
		for _, end := range partitions {
			said += end.Offset
		}
	}
	if taken, arrived := s.pump.moved(); taken < said || !arrived {
		return fmt.Errorf("%d of %d messages have been taken, all of them delivered: %v", taken, said, arrived)
	}
	return nil
}

func (s *testSuite) checkHeard(ctx context.Context) error {
	var groups []string
	for _, service := range suite.ServiceNames() {
		groups = append(groups, hearPrefix(s.config, service)+service)
	}
	lags, err := s.admin.Lag(ctx, groups...)
	if err != nil {
		return err
	}
	if err := lags.Error(); err != nil {
		return err
	}
	for _, group := range groups {
		if lag := lags[group].Lag.Total(); lag != 0 {
			return fmt.Errorf("%d messages have not been heard by %s", lag, group)
		}
	}
	return nil
}

func (s *testSuite) checkWorked(ctx context.Context) error {
	working, err := s.count(ctx, `SELECT count(*) FROM %s.river_job WHERE finalized_at IS NULL`)
	if err == nil && working > 0 {
		err = fmt.Errorf("%d jobs have not been done", working)
	}
	return err
}
