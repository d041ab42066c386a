package stock

import "waybill.dev/platform/es"

// Receipt is one delivery of one SKU. It has a stream of its own, so that its reference is known for ever and a
// SKU's stock does not grow with the number of its deliveries.
type Receipt struct {
	// Quantity is what was counted in; 0 before.
	Quantity int64 `json:"quantity"`
}

// Receipts is the category of deliveries; a stream's id is "{sku}/{reference}", and a SKU has no slash.
var Receipts = es.Category[Receipt, ReceiptEvent]{
	Name:     "receipt",
	Kinds:    []es.Kind{es.KindOf[Counted]()},
	Evolve:   evolveReceipt,
	Revision: 1,
}

func evolveReceipt(r Receipt, e ReceiptEvent) Receipt {
	switch e := e.(type) {
	case Counted:
		r.Quantity = e.Quantity
	}
	return r
}
