package audit

import (
	"fmt"
	"maps"
	"slices"

	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
)

// Shelf is the fold of a SKU's stream, fact by fact, so that a long stream is never held in memory.
type Shelf struct {
	tenant, sku string
	stock       stock.Stock
	version     int64
	open        map[string]int64 // what is reserved, by order
	findings    []Finding
}

// NewShelf is a SKU's shelf before its first fact.
func NewShelf(tenant, sku string) *Shelf {
	return &Shelf{tenant: tenant, sku: sku, open: map[string]int64{}}
}

// Add folds the stream's next fact.
func (s *Shelf) Add(r es.Recorded) {
	fact, ok := r.Event.(stock.Event)
	if !ok {
		s.find(AllSaid, "its log holds a %T", r.Event)
		return
	}
	if s.version++; r.Version != s.version {
		s.find(AllSaid, "fact %d of its log has version %d", s.version, r.Version)
	}
	s.stock = stock.Stocks.Evolve(s.stock, fact)
	if s.stock.Reserved < 0 || s.stock.Reserved > s.stock.OnHand {
		s.find(StockEnds, "at version %d %d are on hand and %d reserved", r.Version, s.stock.OnHand, s.stock.Reserved)
	}
	switch e := fact.(type) {
	case stock.Reserved:
		if was, twice := s.open[e.Order]; twice {
			s.find(StockEnds, "at version %d %d are reserved for order %s, which has %d", r.Version, e.Quantity, e.Order, was)
		}
		s.open[e.Order] += e.Quantity
	case stock.Released:
		s.end(r.Version, "released", e.Order, e.Quantity)
	case stock.Shipped:
		s.end(r.Version, "shipped", e.Order, e.Quantity)
	case stock.Received, stock.Adjusted:
	}
}

func (s *Shelf) end(version int64, how, order string, quantity int64) {
	if s.open[order] != quantity {
		s.find(StockEnds, "at version %d %d are %s for order %s, which has %d reserved", version, quantity, how, order, s.open[order])
	}
	delete(s.open, order)
}

// Stock is the fold of what was added, and the version that it has come to.
func (s *Shelf) Stock() (stock.Stock, int64) { return s.stock, s.version }

// Check returns what was found while the facts were folded, and what does not agree with the orders' reservations:
// holds is how many of the SKU each order's reservation keeps, as Evidence.Holds tells.
func (s *Shelf) Check(holds map[string]int64) []Finding {
	var sum int64
	for _, order := range slices.Sorted(maps.Keys(s.open)) {
		sum += s.open[order]
		if holds[order] != s.open[order] {
			s.find(StockEnds, "%d are reserved for order %s, whose reservation keeps %d", s.open[order], order, holds[order])
		}
	}
	for _, order := range slices.Sorted(maps.Keys(holds)) {
		if _, ok := s.open[order]; !ok && holds[order] > 0 {
			s.find(StockEnds, "nothing is reserved for order %s, whose reservation keeps %d", order, holds[order])
		}
	}
	if sum != s.stock.Reserved {
		s.find(StockEnds, "%d are reserved, for orders %d", s.stock.Reserved, sum)
	}
	return s.findings
}

// CheckRow holds the row of the read model against the fold; nil is no row.
func (s *Shelf) CheckRow(row *stock.Stock) []Finding {
	var findings []Finding
	if s.version > 0 && (row == nil || *row != s.stock) {
		findings = append(findings, s.finding(RowsAgree, "its row is %s, and its facts come to %s", shown(row), shown(&s.stock)))
	}
	if s.version == 0 && row != nil {
		findings = append(findings, s.finding(RowsAgree, "it has a row and no facts"))
	}
	return findings
}

func shown(s *stock.Stock) string {
	if s == nil {
		return "missing"
	}
	return fmt.Sprintf("%d on hand and %d reserved", s.OnHand, s.Reserved)
}

func (s *Shelf) find(st Statement, format string, args ...any) {
	s.findings = append(s.findings, s.finding(st, format, args...))
}

func (s *Shelf) finding(st Statement, format string, args ...any) Finding {
	return Finding{Statement: st, Tenant: s.tenant, Subject: s.sku, Evidence: fmt.Sprintf(format, args...)}
}
