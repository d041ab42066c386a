package contracts

// StockReserved says that every line of the order is reserved, all of them or none.
type StockReserved struct{}

// StockReservationFailed says that the order cannot be reserved: nothing is, and nothing will be.
type StockReservationFailed struct {
	Shortages []Shortage `json:"shortages"`
}

// Shortage is one SKU that is short, with what was wanted and what was available.
type Shortage struct {
	SKU       string `json:"sku"`
	Wanted    int64  `json:"wanted"`
	Available int64  `json:"available"`
}

// StockReleased says that nothing is reserved for the order, and that nothing will be.
type StockReleased struct{}

func (StockReserved) Type() Type          { return "commerce.inventory.stock-reserved.v1" }
func (StockReservationFailed) Type() Type { return "commerce.inventory.stock-reservation-failed.v1" }
func (StockReleased) Type() Type          { return "commerce.inventory.stock-released.v1" }

func (StockReserved) integrationEvent()          {}
func (StockReservationFailed) integrationEvent() {}
func (StockReleased) integrationEvent()          {}
