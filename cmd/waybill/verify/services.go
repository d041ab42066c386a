package verify

import (
	"encoding/json"
	"strings"

	"github.com/jackc/pgx/v5"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

var errNoRows = pgx.ErrNoRows

// categories are the streams that an order has, by service: the one whose facts are said to others.
func categories() map[string]es.Erased {
	return map[string]es.Erased{
		suite.Orders: order.Category, suite.Payments: payment.Category, suite.Inventory: stock.Reservations,
		suite.Shipping: shipment.Category, suite.Notifications: mail.Streams,
	}
}

// serviceOf is the service that a message's source names, and the category of the streams that it speaks of.
func serviceOf(source string) (service, category string) {
	service = strings.TrimPrefix(source, "/waybill/")
	if c := categories()[service]; c != nil {
		category = c.CategoryName()
	}
	return service, category
}

// decodeJob is a job of an order's as River's row holds it; nil for one that asks nobody.
func decodeJob(kind string, args []byte) es.Job {
	switch kind {
	case payment.Ask{}.Kind():
		return decodeAs[payment.Ask](args)
	case shipment.BookJob{}.Kind():
		return decodeAs[shipment.BookJob](args)
	case shipment.CancelJob{}.Kind():
		return decodeAs[shipment.CancelJob](args)
	case mail.Send{}.Kind():
		return decodeAs[mail.Send](args)
	}
	return nil
}

// decodeAs leaves empty what cannot be read: it asks for nothing that is awaited.
func decodeAs[J es.Job](args []byte) es.Job {
	var job J
	_ = json.Unmarshal(args, &job)
	return job
}
