package contracts

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Type is the CloudEvents type of an integration event, its version included:
// "commerce.orders.order-placed.v1".
type Type string

// Topic is where events of this type travel: the type without its version, "commerce.orders.order-placed".
func (t Type) Topic() string {
	if i := strings.LastIndexByte(string(t), '.'); i > 0 {
		return string(t[:i])
	}
	return string(t)
}

// Event is one of the integration events of this package.
//
//sumtype:decl
type Event interface {
	// Type is a written constant and never changes.
	Type() Type
	integrationEvent()
}

// Catalogue lists the zero value of every event, in the order in which an order meets them.
func Catalogue() []Event {
	return []Event{
		OrderPlaced{}, OrderCancellationRequested{}, OrderCancelled{}, OrderResolved{}, OrderCompleted{},
		PaymentAuthorized{}, PaymentFailed{}, PaymentCaptured{}, PaymentVoided{}, PaymentRefunded{},
		PaymentAttentionRequired{},
		StockReserved{}, StockReservationFailed{}, StockReleased{},
		OrderShipped{}, ShippingFailed{}, ShipmentCancelled{}, CancellationRefused{},
		ShipmentAttentionRequired{}, ShipmentDelivered{},
	}
}

// decodeEvent makes an event of its type's name and its JSON. Unknown members are let through: an event
// grows by addition.
func decodeEvent(t Type, data []byte) (Event, error) {
	switch t {
	case OrderPlaced{}.Type():
		return decodeAs[OrderPlaced](data)
	case OrderCancellationRequested{}.Type():
		return decodeAs[OrderCancellationRequested](data)
	case OrderCancelled{}.Type():
		return decodeAs[OrderCancelled](data)
	case OrderResolved{}.Type():
		return decodeAs[OrderResolved](data)
	case OrderCompleted{}.Type():
		return decodeAs[OrderCompleted](data)
	case PaymentAuthorized{}.Type():
		return decodeAs[PaymentAuthorized](data)
	case PaymentFailed{}.Type():
		return decodeAs[PaymentFailed](data)
	case PaymentCaptured{}.Type():
		return decodeAs[PaymentCaptured](data)
	case PaymentVoided{}.Type():
		return decodeAs[PaymentVoided](data)
	case PaymentRefunded{}.Type():
		return decodeAs[PaymentRefunded](data)
	case PaymentAttentionRequired{}.Type():
		return decodeAs[PaymentAttentionRequired](data)
	case StockReserved{}.Type():
		return decodeAs[StockReserved](data)
	case StockReservationFailed{}.Type():
		return decodeAs[StockReservationFailed](data)
	case StockReleased{}.Type():
		return decodeAs[StockReleased](data)
	case OrderShipped{}.Type():
		return decodeAs[OrderShipped](data)
	case ShippingFailed{}.Type():
		return decodeAs[ShippingFailed](data)
	case ShipmentCancelled{}.Type():
		return decodeAs[ShipmentCancelled](data)
	case CancellationRefused{}.Type():
		return decodeAs[CancellationRefused](data)
	case ShipmentAttentionRequired{}.Type():
		return decodeAs[ShipmentAttentionRequired](data)
	case ShipmentDelivered{}.Type():
		return decodeAs[ShipmentDelivered](data)
	}
	return nil, fmt.Errorf("unknown event type %q", t)
}

func decodeAs[E Event](data []byte) (Event, error) {
	var e E
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("event %s: %w", e.Type(), err)
	}
	return e, nil
}
