package saga

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/ways"
)

func TestSaga(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		spans := startCollector(t)
		s, walks := testWays(t, g, processes.Config{
			PublishPrefix: "plain-", HearPrefix: "plain-",
			Environment: map[string][]string{"": {"OTEL_EXPORTER_OTLP_ENDPOINT=" + spans.url}},
		}, nil)
		var pages [][]byte
		for _, service := range suite.ServiceNames() {
			page := readMetrics(t, s.Process(service).URL())
			checkLeaks(t, "metrics of "+service, page)
			pages = append(pages, page)
		}
		checkAlerts(t, pages...)
		// A process that ends hands over its last spans.
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		s.checkTraces(t, spans.all(), untouched(walks))
		for _, text := range spans.texts {
			checkLeaks(t, "spans", text)
		}
	})
	t.Run("every message twice", func(t *testing.T) {
		t.Parallel()
		draw := newDraw(t)
		s, _ := testWays(t, g, processes.Config{PublishPrefix: "twice-said-", HearPrefix: "twice-heard-"},
			func(service, topic, tenant string) []time.Duration {
				return []time.Duration{0, draw.hold(service, topic, tenant, longestHold)}
			})
		t.Logf("%d messages were delivered %d times", s.pump.taken, s.pump.copies)
	})
	t.Run("topics in other orders", func(t *testing.T) {
		t.Parallel()
		draw := newDraw(t)
		s, _ := testWays(t, g, processes.Config{PublishPrefix: "reordered-said-", HearPrefix: "reordered-heard-"},
			func(service, topic, tenant string) []time.Duration {
				return []time.Duration{draw.hold(service, topic, tenant, longestHold)}
			})
		s.pump.checkOvertaken(t)
	})
	t.Run("outages", func(t *testing.T) {
		t.Parallel()
		testOutages(t, g, processes.Config{}, nil)
	})
	t.Run("outages, every message twice and in other orders", func(t *testing.T) {
		t.Parallel()
		s := testOutages(t, g, processes.Config{PublishPrefix: "said-", HearPrefix: "heard-"}, newDraw(t).twice(longestOutageHold))
		s.pump.checkOvertaken(t)
	})
	t.Run("crashes, every message twice and in other orders", func(t *testing.T) {
		t.Parallel()
		s := testCrashes(t, g, processes.Config{PublishPrefix: "crashes-said-", HearPrefix: "crashes-heard-"}, newDraw(t).twice(longestHold))
		s.pump.checkOvertaken(t)
	})
}

// testWays sends an order each way it can go, all at once, each for a tenant of its own, and holds what has come of it
// against what must be true of any order.
func testWays(t *testing.T, g ground, config processes.Config, deliver delivery) (*testSuite, []*ways.Walk) {
	t.Helper()
	s := startSuite(t, g, tenantsOf(ways.All()), config, deliver)
	walks := make([]*ways.Walk, len(ways.All()))
	t.Run("ways", func(t *testing.T) {
		for i, way := range ways.All() {
			t.Run(way.Name, func(t *testing.T) {
				t.Parallel()
				walks[i] = place(t, s.shop.ForTenant(tenantOf(way)), way)
				finish(t, walks[i])
			})
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	s.awaitRest(t)
	for _, walk := range walks {
		checkStands(t, walk)
		checkBooks(t, walk.Shop)
		checkMailsOnce(t, walk.Shop)
	}
	s.checkTopics(t)
	return s, walks
}

// finish waits until things stand as the order's way wants them.
func finish(t *testing.T, walk *ways.Walk) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("patience has ended"))
	defer cancel()
	if got, err := walk.Finish(ctx); err != nil {
		t.Fatalf("%s: order %s: %v\n%s", walk.Way.Name, walk.Order, err, cmp.Diff(walk.Way.Want, got))
	}
}

// checkStands looks again: what was as it should be has stayed so.
func checkStands(t *testing.T, walk *ways.Walk) {
	t.Helper()
	got, err := walk.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !walk.Way.Right(got) {
		t.Errorf("%s: at rest things do not stand as they did:\n%s", walk.Way.Name, cmp.Diff(walk.Way.Want, got))
	}
}

// checkMailsOnce: where every mail was answered, none was sent twice.
func checkMailsOnce(t *testing.T, shop *client.Client) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range must(shop.Mails(t.Context(), ""))(t) {
		if seen[m.MessageID] {
			t.Errorf("%s: the mail %s was sent twice", shop.Tenant(), m.MessageID)
		}
		seen[m.MessageID] = true
	}
}

// tenantOf is the tenant whose order goes the way.
func tenantOf(way ways.Way) string {
	return strings.ReplaceAll(strings.ReplaceAll(way.Name, ",", ""), " ", "-")
}

// tenantsOf is the tenants file for all ways.
func tenantsOf(all []ways.Way) string {
	var file strings.Builder
	file.WriteString("tenants:\n")
	for _, way := range all {
		fmt.Fprintf(&file, "  %s:\n    captureAtOnce: %t\n", tenantOf(way), way.CaptureAtOnce)
		if way.Hurried {
			fmt.Fprintf(&file, "    deadlines: {shipment: %s}\n", ways.ShipmentDeadline)
		}
	}
	return file.String()
}

// draw draws how long messages are held. From the same seed it draws the same, whenever it is asked.
type draw struct{ seed uint64 }

// seedVariable repeats a run that failed.
const seedVariable = "WAYBILL_TEST_SEED"

func newDraw(t *testing.T) draw {
	t.Helper()
	d := draw{rand.Uint64()}
	if given := os.Getenv(seedVariable); given != "" {
		var err error
		if d.seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("%s=%d", seedVariable, d.seed)
	return d
}

// longestHold is for where nothing has a deadline that counts.
const longestHold = 2 * time.Second

// hold is how long what a service hears on a topic of a tenant is held: for some not at all, for others so long that much
// of what other topics say overtakes it.
func (d draw) hold(service, topic, tenant string, longest time.Duration) time.Duration {
	h := fnv.New64a()
	fmt.Fprint(h, service, " ", topic, " ", tenant)
	random := rand.New(rand.NewPCG(d.seed, h.Sum64()))
	if random.IntN(2) == 0 {
		return 0
	}
	return time.Duration(random.Int64N(int64(longest)))
}

// twice delivers every message twice, each copy held for a time of its own.
func (d draw) twice(longest time.Duration) delivery {
	other := draw{d.seed + 1}
	return func(service, topic, tenant string) []time.Duration {
		return []time.Duration{d.hold(service, topic, tenant, longest), other.hold(service, topic, tenant, longest)}
	}
}
