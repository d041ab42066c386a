package eventlog_test

import (
	"fmt"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// A made-up service of the tests: transfers name the accounts that they move money between.

type opened struct {
	Limit int64 `json:"limit"`
}
type moved struct {
	By int64 `json:"by"`
}
type transferred struct {
	From, To string
	Amount   int64
}

func (opened) Kind() string      { return "account.opened" }
func (moved) Kind() string       { return "account.moved" }
func (transferred) Kind() string { return "transfer.transferred" }

type account struct {
	Balance int64 `json:"balance"`
	Moves   int64 `json:"moves"`
}

var (
	transfers = es.Category[int, es.Event]{
		Name: "transfer", Kinds: []es.Kind{es.KindOf[transferred]()},
		Evolve: func(n int, _ es.Event) int { return n + 1 },
	}
	accounts = es.Category[account, es.Event]{
		Name: "account", Kinds: []es.Kind{es.KindOf[opened](), es.KindOf[moved]()}, SnapshotEvery: 100,
		Evolve: func(a account, e es.Event) account {
			if m, ok := e.(moved); ok {
				a.Balance += m.By
				a.Moves++
			}
			return a
		},
	}
)

// publish says one event for a transfer and two for a large move, so that places are used.
func publish(f es.Recorded) []contracts.Event {
	switch e := f.Event.(type) {
	case transferred:
		return []contracts.Event{contracts.StockReserved{}}
	case moved:
		if e.By >= 1000 {
			return []contracts.Event{contracts.StockReserved{}, contracts.StockReleased{}}
		}
		return nil
	}
	return nil
}

func move(name string, by int64) es.Command {
	return es.On(accounts, accounts.Stream("default", name), func(a account) ([]es.Event, []es.Job, error) {
		if a.Balance+by < 0 {
			return nil, nil, es.Refuse(es.Conflict, "only %d are there", a.Balance)
		}
		return []es.Event{moved{By: by}}, nil, nil
	})
}

// transfer names its accounts only when it has been loaded.
func transfer(id, from, to string, amount int64) es.Command {
	own := transfers.Stream("default", id)
	a, b := accounts.Stream("default", from), accounts.Stream("default", to)
	return es.Command{Streams: []es.StreamID{own}, Decide: func(s es.States) (es.Decision, error) {
		need := []es.StreamID{a, b}
		if transfers.State(s, own) > 0 {
			return es.Decision{}, nil
		}
		if !s.HasAll(need) {
			return es.Decision{Need: need}, nil
		}
		if accounts.State(s, a).Balance < amount {
			return es.Decision{}, es.Refuse(es.Conflict, "account %s is short", from)
		}
		return es.Decision{Need: need, Facts: []es.Fact{
			{Stream: own, Event: transferred{from, to, amount}},
			{Stream: a, Event: moved{By: -amount}},
			{Stream: b, Event: moved{By: amount}},
		}}, nil
	}}
}

func name(i int) string { return fmt.Sprintf("account-%02d", i) }
