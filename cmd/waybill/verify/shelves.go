package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
)

// shelvesQuery hands out each SKU's row of the table of all stock, then its facts, and behind the fact that it was made
// at, its snapshot.
var shelvesQuery = fmt.Sprintf(`
SELECT tenant || '/%[1]s/' || sku COLLATE "C" AS stream, 0::bigint AS version, %[2]d::bigint AS what, '' AS kind,
	json_build_object('onHand', on_hand, 'reserved', reserved)::text AS data, 0::bigint AS transaction_id, 0::bigint AS position
FROM stock_levels
UNION ALL
SELECT stream COLLATE "C", version, %[3]d, kind, data::text, transaction_id::text::bigint, position
FROM events WHERE split_part(stream, '/', 2) = '%[1]s'
UNION ALL
SELECT stream COLLATE "C", version, %[4]d, '', state::text, 0, 0
FROM snapshots WHERE split_part(stream, '/', 2) = '%[1]s' AND revision = %[5]d
ORDER BY stream, version, what`, stock.Stocks.Name, shelfRow, shelfFact, shelfSnapshot, stock.Stocks.Revision)

// What a row of shelvesQuery is.
const (
	shelfRow = iota
	shelfFact
	shelfSnapshot
)

// shelf is a SKU under judgement.
type shelf struct {
	*audit.Shelf
	id   es.StreamID
	row  *stock.Stock
	last position
}

// judgeShelves folds the stock of each SKU, fact by fact, and holds it against the orders' reservations, the table of
// all stock and the snapshots.
func (a *auditor) judgeShelves(ctx context.Context, s *schema) error {
	var now *shelf
	err := s.read(ctx, shelvesQuery, func(v [][]byte) error {
		id, err := streamID(string(v[0]))
		if err != nil {
			return err
		}
		if now == nil || now.id != id {
			a.endShelf(now)
			now = &shelf{Shelf: audit.NewShelf(id.Tenant, id.ID), id: id}
		}
		return a.addToShelf(now, toInt(v[2]), toInt(v[1]), string(v[3]), v[4], position{uint64(toInt(v[5])), toInt(v[6])})
	})
	if err != nil {
		return err
	}
	a.endShelf(now)
	for id, holds := range a.holds { // what is left has no shelf at all
		a.findAll(audit.NewShelf(id.Tenant, id.ID).Check(holds))
	}
	return nil
}

func (a *auditor) addToShelf(s *shelf, what, version int64, kind string, data []byte, at position) error {
	find := func(st audit.Statement, format string, args ...any) {
		a.report.find(audit.Finding{Statement: st, Tenant: s.id.Tenant, Subject: s.id.ID, Evidence: fmt.Sprintf(format, args...)})
	}
	switch what {
	case shelfRow:
		s.row = &stock.Stock{}
		return json.Unmarshal(data, s.row)
	case shelfSnapshot:
		var kept stock.Stock
		if err := json.Unmarshal(data, &kept); err != nil {
			return err
		}
		if is, reached := s.Stock(); is != kept || reached != version {
			find(audit.RowsAgree, "its snapshot at version %d is %d on hand and %d reserved, and its facts come to %d and %d",
				version, kept.OnHand, kept.Reserved, is.OnHand, is.Reserved)
		}
		return nil
	}
	a.count(&a.report.Facts)
	fact, err := stock.Stocks.Decode(kind, data)
	if err != nil {
		find(audit.AllSaid, "version %d cannot be read: %v", version, err)
		return nil
	}
	if !s.last.before(at) {
		find(audit.AllSaid, "in the log version %d stands before the one before it", version)
	}
	s.last = at
	s.Add(es.Recorded{Stream: s.id, Version: version, Event: fact})
	return nil
}

func (a *auditor) endShelf(s *shelf) {
	if s == nil {
		return
	}
	a.count(&a.report.Shelves)
	a.findAll(s.Check(a.holds[s.id]))
	a.findAll(s.CheckRow(s.row))
	delete(a.holds, s.id)
}

func (a *auditor) findAll(findings []audit.Finding) {
	for _, f := range findings {
		a.report.find(f)
	}
}

func streamID(name string) (es.StreamID, error) {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) != 3 {
		return es.StreamID{}, fmt.Errorf("%q is no stream", name)
	}
	return es.StreamID{Tenant: parts[0], Category: parts[1], ID: parts[2]}, nil
}
