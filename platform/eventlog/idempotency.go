package eventlog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// IdempotencyKeptFor is how long an answer is given again under its key.
const IdempotencyKeptFor = 7 * 24 * time.Hour

// keyScope is an idempotency key with all that scopes it.
type keyScope struct{ tenant, method, path, key string }

type keptResponse struct {
	bodySHA256 [32]byte
	response   Response
}

func scopeOf(r Request) keyScope {
	return keyScope{r.Tenant, r.Idempotency.Method, r.Idempotency.Path, r.Idempotency.Key}
}

// keyLocks are the lock keys of the idempotency keys, sorted. They are taken before any stream's: whoever waits there
// waits for the first request under its key.
func (t *transaction) keyLocks(members []*member) []int64 {
	var keys []int64
	for _, m := range members {
		if m.Idempotency != nil {
			s := scopeOf(m.Request)
			keys = append(keys, t.log.lockKey("idempotency", s.tenant, s.method, s.path, s.key))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// queueKeys reads what is kept under the keys.
func (t *transaction) queueKeys(b *pgx.Batch, members []*member) {
	var tenants, methods, paths, keys []string
	for _, m := range members {
		if m.Idempotency != nil {
			s := scopeOf(m.Request)
			tenants, methods = append(tenants, s.tenant), append(methods, s.method)
			paths, keys = append(paths, s.path), append(keys, s.key)
		}
	}
	if len(keys) == 0 {
		return
	}
	b.Queue(`
SELECT k.tenant, k.method, k.path, k.key, k.body_sha256, k.status, k.headers, k.body
FROM idempotency_keys k
JOIN unnest($1::text[], $2::text[], $3::text[], $4::text[]) w (tenant, method, path, key)
USING (tenant, method, path, key)`, tenants, methods, paths, keys).Query(func(rows pgx.Rows) error {
		var s keyScope
		var sum, headers, body []byte
		var status int
		_, err := pgx.ForEachRow(rows, []any{&s.tenant, &s.method, &s.path, &s.key, &sum, &status, &headers, &body}, func() error {
			kept := keptResponse{response: Response{Status: status, Body: slices.Clone(body)}}
			copy(kept.bodySHA256[:], sum)
			if err := json.Unmarshal(headers, &kept.response.Headers); err != nil {
				return fmt.Errorf("idempotency key: %w", err)
			}
			t.kept[s] = kept
			return nil
		})
		return err
	})
}

// queueKeepResponses keeps the answers under their keys.
func (t *transaction) queueKeepResponses(b *pgx.Batch) error {
	if len(t.keys) == 0 {
		return nil
	}
	var tenants, methods, paths, keys, headers []string
	var sums, bodies [][]byte
	var statuses []int
	for _, s := range t.keys {
		kept := t.kept[s]
		h, err := json.Marshal(kept.response.Headers)
		if err != nil {
			return err
		}
		tenants, methods = append(tenants, s.tenant), append(methods, s.method)
		paths, keys = append(paths, s.path), append(keys, s.key)
		sums, bodies = append(sums, kept.bodySHA256[:]), append(bodies, kept.response.Body)
		statuses, headers = append(statuses, kept.response.Status), append(headers, string(h))
	}
	b.Queue(`
INSERT INTO idempotency_keys (tenant, method, path, key, body_sha256, status, headers, body)
SELECT tenant, method, path, key, body_sha256, status, headers, coalesce(body, '')
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::int[], $7::json[], $8::bytea[])
    w (tenant, method, path, key, body_sha256, status, headers, body)`,
		tenants, methods, paths, keys, sums, statuses, headers, bodies)
	return nil
}

// SweepIdempotencyKeys removes the answers that have been kept for long enough and returns how many.
func (l *Log) SweepIdempotencyKeys(ctx context.Context) (int64, error) {
	return sweep(func() (int64, error) {
		tag, err := l.Pool.Exec(ctx, `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM idempotency_keys WHERE created_at < now() - $1::interval ORDER BY created_at LIMIT $2))`, IdempotencyKeptFor, sweepRows)
		return tag.RowsAffected(), err
	})
}
