package inventory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"golang.org/x/sync/errgroup"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/pgtest"
	"waybill.dev/services/inventory/stock"
)

// Several clients of two replicas receive, reserve, release and read at once. What they are told can be told of a shop
// that does one thing after the other, in an order that fits the times at which they asked and were answered.
func TestShelvesAreLinearizable(t *testing.T) {
	t.Parallel()
	const histories, clients, each = 12, 6, 12
	access := pgtest.Service(t, service(t).Name, service(t).Migrations)
	replicas := []*eventlog.Log{replica(t, open(t, access)), replica(t, open(t, access))}
	reserved, refused, released, duplicates, overlapping := 0, 0, 0, 0, 0
	for n := range histories {
		random := rand.New(rand.NewPCG(7, uint64(n)))
		shop := newStore(t, fmt.Sprintf("shop-%d", n), replicas, random)
		var working errgroup.Group
		for client := range clients {
			own := rand.New(rand.NewPCG(uint64(n), uint64(client)))
			working.Go(func() error {
				for range each {
					if err := shop.do(t.Context(), client, own); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := working.Wait(); err != nil {
			t.Fatal(err)
		}
		result, info := porcupine.CheckOperationsVerbose(shelfModel, shop.history, time.Minute)
		if result != porcupine.Ok {
			picture := fmt.Sprintf("%s/%s.html", t.ArtifactDir(), shop.tenant)
			t.Errorf("%s: %s: %v", shop.tenant, result, porcupine.VisualizePath(shelfModel, info, picture))
			for _, o := range shop.history {
				t.Log(o.ClientId, o.Call, o.Return, shelfModel.DescribeOperation(o.Input, o.Output))
			}
		}
		for i, o := range shop.history {
			switch out := o.Output.(type) {
			case reservedOutput:
				if (out == reservedOutput{[modelSKUs]int64{notShort, notShort, notShort}}) {
					reserved++
				} else {
					refused++
				}
			case releasedOutput:
				released++
			case duplicateOutput:
				duplicates++
			}
			for _, other := range shop.history[i+1:] {
				if o.Call < other.Return && other.Call < o.Return {
					overlapping++
				}
			}
		}
	}
	if reserved == 0 || refused == 0 || released == 0 || duplicates == 0 || overlapping < histories*clients*each {
		t.Errorf("%d reserved, %d refused, %d released, %d duplicates, %d pairs at once: the clients are too tame",
			reserved, refused, released, duplicates, overlapping)
	}
}

// store is a tenant whose orders have been placed, and the history of what its clients did.
type store struct {
	tenant   string
	replicas []*eventlog.Log
	lines    [modelOrders][]modelLine
	began    time.Time

	mu         sync.Mutex
	deliveries int
	history    []porcupine.Operation
}

func newStore(t *testing.T, tenant string, replicas []*eventlog.Log, random *rand.Rand) *store {
	t.Helper()
	s := &store{tenant: tenant, replicas: replicas, began: time.Now()}
	for order := range s.lines {
		e := contracts.OrderPlaced{}
		for _, sku := range random.Perm(modelSKUs)[:1+random.IntN(modelSKUs)] {
			l := modelLine{sku, 1 + random.Int64N(3)}
			s.lines[order] = append(s.lines[order], l)
			e.Lines = append(e.Lines, contracts.OrderLine{SKU: skuName(sku), Quantity: l.Quantity})
		}
		if _, err := s.tell(t.Context(), replicas[order%len(replicas)], order, e); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func skuName(n int) string { return fmt.Sprintf("sku-%d", n) }

// do is one operation of a client: asked, answered and noted.
func (s *store) do(ctx context.Context, client int, random *rand.Rand) error {
	log := s.replicas[random.IntN(len(s.replicas))]
	order := random.IntN(modelOrders)
	var input any
	var ask func() (any, error)
	switch random.IntN(6) {
	case 0:
		in := receiveInput{random.IntN(modelSKUs), 1 + random.Int64N(3)}
		input, ask = in, func() (any, error) { return s.receive(ctx, log, in) }
	case 1:
		input, ask = readInput{}, func() (any, error) { return s.read(ctx, log) }
	case 2:
		input = releaseInput{order, s.lines[order]}
		ask = func() (any, error) { return s.tell(ctx, log, order, contracts.ShipmentCancelled{}) }
	default:
		input = reserveInput{order, s.lines[order]}
		ask = func() (any, error) { return s.tell(ctx, log, order, contracts.PaymentAuthorized{}) }
	}
	call := time.Since(s.began)
	output, err := ask()
	if err != nil {
		return err
	}
	o := porcupine.Operation{ClientId: client, Input: input, Call: int64(call), Output: output, Return: int64(time.Since(s.began))}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = append(s.history, o)
	return nil
}

// tell brings a message to a replica and says what came of it.
func (s *store) tell(ctx context.Context, log *eventlog.Log, order int, e contracts.Event) (any, error) {
	m := contracts.Message{Subject: fmt.Sprintf("order-%d", order), Tenant: s.tenant, Data: e}
	m.ID = fmt.Sprintf("%s %s %s", s.tenant, m.Subject, e.Type())
	result, err := log.Handle(ctx, eventlog.Request{Command: stock.React(m, s.began), Tenant: s.tenant, At: time.Now(), Message: m.ID})
	if err != nil {
		return nil, err
	}
	if result.Duplicate {
		return duplicateOutput{}, nil
	}
	for _, f := range result.Facts {
		switch e := f.Event.(type) {
		case stock.ReservationMade:
			return reservedOutput{[modelSKUs]int64{notShort, notShort, notShort}}, nil
		case stock.ReservationReleased:
			return releasedOutput{}, nil
		case stock.ReservationFailed:
			out := reservedOutput{[modelSKUs]int64{notShort, notShort, notShort}}
			for _, short := range e.Shortages {
				for sku := range out.Short {
					if skuName(sku) == short.SKU {
						out.Short[sku] = short.Available
					}
				}
			}
			return out, nil
		}
	}
	return nothingOutput{}, nil
}

func (s *store) receive(ctx context.Context, log *eventlog.Log, in receiveInput) (any, error) {
	s.mu.Lock()
	s.deliveries++
	c := stock.Receive{Tenant: s.tenant, SKU: skuName(in.SKU), Quantity: in.Quantity, Reference: fmt.Sprint(s.deliveries)}
	s.mu.Unlock()
	result, err := log.Handle(ctx, eventlog.Request{Command: c.Command(), Tenant: s.tenant, At: time.Now(),
		Respond: func(states es.States) (eventlog.Response, error) {
			body, err := json.Marshal(stock.Stocks.State(states, stock.Stocks.Stream(s.tenant, c.SKU)))
			return eventlog.Response{Body: body}, err
		}})
	if err != nil {
		return nil, err
	}
	var level stock.Stock
	err = json.Unmarshal(result.Response.Body, &level)
	return levelOutput(level), err
}

func (s *store) read(ctx context.Context, log *eventlog.Log) (any, error) {
	ids := make([]es.StreamID, modelSKUs)
	for sku := range ids {
		ids[sku] = stock.Stocks.Stream(s.tenant, skuName(sku))
	}
	states, err := log.Load(ctx, ids...)
	if errors.Is(err, eventlog.ErrUnavailable) {
		return nil, fmt.Errorf("read: %w", err)
	}
	var levels levelsOutput
	for sku, id := range ids {
		levels[sku] = stock.Stocks.State(states, id)
	}
	return levels, err
}
