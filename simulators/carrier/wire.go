package carrier

import "time"

// Name is what the carrier calls itself in its bookings and webhooks.
const Name = "Simulated Parcel"

// Address is where a parcel goes. All but Line2 are needed.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"` // ISO 3166-1, two letters
}

// Line is what is in the parcel.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// BookRequest is the body of POST /v1/bookings.
type BookRequest struct {
	Reference string  `json:"reference"` // "{tenant}/{order}"
	Address   Address `json:"address"`
	Lines     []Line  `json:"lines"`
}

// Status is how far a parcel is.
type Status string

// The states of a booking.
const (
	Booked    Status = "booked"
	Cancelled Status = "cancelled"
	PickedUp  Status = "picked_up"
	Delivered Status = "delivered"
)

// Booking is a booking in the books, and the answer to one. The answer to a booking's own request is always
// that of the first moment: booked.
type Booking struct {
	ID             string     `json:"id"`
	Reference      string     `json:"reference"`
	Status         Status     `json:"status"`
	Carrier        string     `json:"carrier"`
	TrackingNumber string     `json:"trackingNumber"`
	BookedAt       time.Time  `json:"bookedAt"`
	PickedUpAt     *time.Time `json:"pickedUpAt,omitempty"`
	DeliveredAt    *time.Time `json:"deliveredAt,omitempty"`
	CancelledAt    *time.Time `json:"cancelledAt,omitempty"`
}

// BookingPage is the answer to GET /v1/bookings; Next is the cursor of the next page, empty at the end.
type BookingPage struct {
	Bookings []Booking `json:"bookings"`
	Next     string    `json:"next,omitempty"`
}

// Refusal is the answer to a request that was refused for good: HTTP 422 address_not_served for a booking,
// HTTP 409 already_picked_up or cancellation_refused for a cancellation, with the booking as it was then.
type Refusal struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Booking *Booking `json:"booking,omitempty"`
}

// The types of webhooks.
const (
	ParcelPickedUp  = "parcel.picked_up"
	ParcelDelivered = "parcel.delivered"
)

// Webhook is the body of a webhook, signed by Standard Webhooks.
type Webhook struct {
	Type      string      `json:"type"`
	Timestamp time.Time   `json:"timestamp"` // when it happened
	Data      WebhookData `json:"data"`
}

// WebhookData says which parcel a webhook is about.
type WebhookData struct {
	Reference      string    `json:"reference"`
	BookingID      string    `json:"bookingId"`
	TrackingNumber string    `json:"trackingNumber"`
	Carrier        string    `json:"carrier"`
	At             time.Time `json:"at"` // when it happened
}
