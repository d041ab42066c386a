package audit

import "time"

// checkRows: the read models say what the facts say.
func (a *account) checkRows() {
	if a.Rows == nil {
		return
	}
	var open string
	if a.shipment.IsOpen() {
		open = a.shipment.Booking.ID
	}
	if a.Rows.OpenParcel != open {
		a.find(RowsAgree, "the open parcel is %q in the table, and %q by the facts", a.Rows.OpenParcel, open)
	}
	o, row := a.order, a.Rows.Order
	switch {
	case o.Placed == nil && row == nil:
	case o.Placed == nil:
		a.find(RowsAgree, "it has a row, and was never placed")
	case row == nil:
		a.find(RowsAgree, "it has no row")
	default:
		a.checkOrderRow(*row)
	}
}

func (a *account) checkOrderRow(row OrderRow) {
	o := a.order
	if row.Status != o.Status() || row.Attention != o.Attention() {
		a.find(RowsAgree, "its row is %s with attention %q, and its facts come to %s with attention %q",
			row.Status, row.Attention, o.Status(), o.Attention())
	}
	if row.CustomerID != o.Placed.Customer.ID || row.Total != o.Placed.Total || !same(row.PlacedAt, o.Placed.PlacedAt) {
		a.find(RowsAgree, "its row is not of the order that was placed")
	}
	if last := a.Orders[len(a.Orders)-1].At; !row.UpdatedAt.IsZero() && !same(row.UpdatedAt, last) {
		a.find(RowsAgree, "its row is of %s, and its last fact of %s", row.UpdatedAt.UTC().Format(time.RFC3339Nano), last.UTC().Format(time.RFC3339Nano))
	}
	expects, waits := o.Expects()
	if waits != (row.Expects != nil) || waits && (row.Expects.Step != expects.Step || !same(row.Expects.Due, expects.Due)) {
		a.find(RowsAgree, "by its row it does not await what it awaits by its facts: %s until %s", expects.Step, expects.Due.UTC().Format(time.RFC3339))
	}
}

// same compares times as precisely as PostgreSQL keeps them.
func same(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Microsecond }
