package verify

import (
	"slices"
	"testing"

	"waybill.dev/tests/world"
)

// An authorization that was asked for is in flight as long as a job asks, and no longer.
func TestALostJobIsFound(t *testing.T) {
	t.Parallel()
	g := newGround(t, "jobs", func(o *world.Options) { o.Ways, o.Orders, o.Unread = world.Unfinished(), 2, true })
	o := g.first(world.NotYetAuthorized)
	stream, key := o.Tenant+"/payment/"+o.ID, o.Tenant+"/"+o.ID+"/authorize/0"
	g.exec(t, "INSERT INTO payments.streams (stream, tenant, category, id, created_at) VALUES ($1, $2, 'payment', $3, now())", stream, o.Tenant, o.ID)
	g.exec(t, `INSERT INTO payments.events (stream, version, id, kind, data, at, correlation_id, causation_id, trace_parent)
		SELECT $1, n, gen_random_uuid(), facts.kind, facts.data, placed.at, '', placed.id::text, '' FROM orders.events AS placed, (VALUES
			(1, 'payment.requested', '{"amount":{"amount":1999,"currency":"EUR"},"token":"tok_ok"}'::jsonb),
			(2, 'payment.attempted', jsonb_build_object('operation', 'authorize', 'number', 0, 'key', $2::text, 'at', now()))) AS facts (n, kind, data)
		WHERE placed.stream = $3 AND version = 1 ORDER BY n`, stream, key, o.Tenant+"/order/"+o.ID)
	g.exec(t, `INSERT INTO payments.river_job (kind, max_attempts, state, args) VALUES ('payments.ask-provider', 25, 'available', jsonb_build_object(
		'jobs', jsonb_build_array(jsonb_build_object('tenant', 'acme', 'subject', 'another', 'args', '{}'::jsonb),
			jsonb_build_object('tenant', $1::text, 'subject', $2::text, 'args',
				jsonb_build_object('order', $2::text, 'operation', 'authorize', 'number', 0, 'key', $3::text)))))`, o.Tenant, o.ID, key)
	if r := g.audit(t, false); !r.Clean || r.InFlight != 2 {
		show(t, r)
		t.Errorf("clean: %v, in flight: %d", r.Clean, r.InFlight)
	}
	g.exec(t, "DELETE FROM payments.river_job")
	r := g.audit(t, false)
	if found := wrong(r); len(found) != 1 || !slices.Equal(found[o.Tenant+"/"+o.ID], []int{1}) {
		show(t, r)
		t.Errorf("found: %v", found)
	}
}
