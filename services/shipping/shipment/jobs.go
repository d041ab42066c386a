package shipment

// Job is one attempt at asking the carrier. It names the shipment and holds nothing of it: whoever works the job
// reads the address from the stream.
type Job struct {
	Order  string `json:"order"`
	Number int    `json:"number"`
	// Key is the idempotency key: asked again under it, the carrier gives the same answer.
	Key string `json:"key"`
}

// BookJob asks the carrier to fetch the parcel.
type BookJob struct{ Job }

// CancelJob asks the carrier not to.
type CancelJob struct{ Job }

func (BookJob) Kind() string   { return "shipping.book" }
func (CancelJob) Kind() string { return "shipping.cancel" }

// Attempt is what the job asks.
func (j BookJob) Attempt() Attempt { return Attempt{Operation: Book, Number: j.Number} }

// Attempt is what the job asks.
func (j CancelJob) Attempt() Attempt { return Attempt{Operation: Cancel, Number: j.Number} }
