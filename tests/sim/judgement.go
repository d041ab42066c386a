package sim

import (
	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
)

// judge holds the world, at rest, against what must be true.
func (w *world) judge() {
	holds := map[string]map[string]int64{} // by tenant/SKU and order
	for _, o := range w.purchases {
		v := w.evidence(o).Judge()
		w.findings = append(w.findings, v.Findings...)
		for _, under := range v.InFlight {
			w.wrong(audit.OneEnd, o.tenant.name, o.id, "nothing moves any more, and %s", under)
		}
		if !o.allRead(w.parts[ordersPart], w.now) {
			w.wrong(audit.AllSaid, o.tenant.name, o.id, "orders has not read everything")
		}
		for sku, quantity := range v.Holds {
			key := o.tenant.name + "/" + sku
			if holds[key] == nil {
				holds[key] = map[string]int64{}
			}
			holds[key][o.id] = quantity
		}
	}
	s := w.parts[inventoryPart]
	for _, shop := range tenants() {
		for _, sku := range skus() {
			id := stock.Stocks.Stream(shop.name, sku)
			shelf := audit.NewShelf(shop.name, sku)
			if kept := s.streams[id]; kept != nil {
				for _, f := range kept.facts {
					shelf.Add(f)
				}
			}
			w.findings = append(w.findings, shelf.Check(holds[shop.name+"/"+sku])...)
			if s.states.Has(id) && s.states.Version(id) > 0 {
				row := stock.Stocks.State(s.states, id)
				w.findings = append(w.findings, shelf.CheckRow(&row)...)
			}
		}
	}
}

// evidence is all that anybody knows of an order.
func (w *world) evidence(o *purchase) audit.Evidence {
	var jobs []es.Job
	for _, j := range o.jobs {
		if !j.done {
			jobs = append(jobs, j.args)
		}
	}
	return audit.Evidence{
		Tenant: o.tenant.name, Order: o.id, At: w.clock(),
		Orders: w.parts[ordersPart].recorded(o), Payment: w.parts[paymentsPart].recorded(o),
		Reservation: w.parts[inventoryPart].recorded(o), Shipment: w.parts[shippingPart].recorded(o),
		Mails:   w.parts[notificationsPart].recorded(o),
		Charges: w.provider.books(o.String(), w.clock()), Parcels: w.carrier.books(o.String()),
		Said: o.said, Jobs: jobs, Rows: &audit.Rows{Order: o.row, OpenParcel: o.open},
	}
}

// wrongf notes something wrong that belongs to no order.
func (w *world) wrongf(format string, args ...any) { w.wrong(audit.AllSaid, "", "", format, args...) }
