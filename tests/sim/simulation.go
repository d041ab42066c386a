package sim

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
)

// Simulation is what all runs have in common. It never changes, so that runs may run at once.
type Simulation struct {
	topics []contracts.Type
	// topic is the place of each type among the topics.
	topic    map[contracts.Type]int
	services []*part
	paces    []odds
}

// New prepares runs.
func New() *Simulation {
	s := &Simulation{topic: map[contracts.Type]int{}, paces: paces()}
	for i, e := range contracts.Catalogue() {
		s.topics = append(s.topics, e.Type())
		s.topic[e.Type()] = i
	}
	s.services = s.parts()
	return s
}

// tenant is a shop with its settings.
type tenant struct {
	name          string
	captureAtOnce bool
	deadlines     order.Deadlines
}

// tenants are the shops of every run: one as most are, one that captures at once, and one in a hurry.
func tenants() []tenant {
	minutes := func(n int) order.Duration { return order.Duration(time.Duration(n) * time.Minute) }
	usual := order.Deadlines{
		Authorization: minutes(15), Reservation: minutes(15), Shipment: minutes(72 * 60), Capture: minutes(60), Cancellation: minutes(60),
	}
	hurried := order.Deadlines{
		Authorization: minutes(1), Reservation: minutes(1), Shipment: minutes(5), Capture: minutes(1), Cancellation: minutes(1),
	}
	return []tenant{{"usual", false, usual}, {"at-once", true, usual}, {"hurried", false, hurried}}
}

// settings are what payments is told of a tenant.
func settings(name string) payment.Settings {
	return payment.Settings{CaptureAtOnce: name == "at-once"}
}
