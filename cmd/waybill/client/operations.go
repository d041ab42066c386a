package client

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Readiness is how a service is.
type Readiness struct {
	Status   string   `json:"status"` // ready, or degraded
	Degraded []string `json:"degraded"`
}

// Working is an error unless the service hears events and works its jobs. What else is degraded, such as a breaker
// that is open, does not count.
func (r Readiness) Working() error {
	for _, amiss := range r.Degraded {
		if part, _, _ := strings.Cut(amiss, ":"); part == "kafka" || part == "jobs" {
			return errors.New(amiss)
		}
	}
	return nil
}

// Readiness asks a service how it is. A service that is not ready answers with a Problem of status 503.
func (c *Client) Readiness(ctx context.Context, service string) (Readiness, error) {
	var readiness Readiness
	err := c.Get(ctx, service, "/readyz", nil, &readiness)
	return readiness, err
}

// Parked is a message that a service could not read or handle.
type Parked struct {
	ID        uuid.UUID `json:"id"`
	Topic     string    `json:"topic"`
	Partition *int32    `json:"partition"`
	Offset    *int64    `json:"offset"`
	Tenant    string    `json:"tenant"`
	Subject   string    `json:"subject"`
	MessageID string    `json:"messageId"`
	EventType string    `json:"eventType"`
	Error     string    `json:"error"`
	ParkedAt  time.Time `json:"parkedAt"`
	// Waiting says that it has not failed, and only waits for others of its subject.
	Waiting bool `json:"waiting"`
}

// Parked lists the tenant's open parked messages of a service, the newest first.
func (c *Client) Parked(ctx context.Context, service string) ([]Parked, error) {
	return pages(func(cursor string) ([]Parked, string, error) {
		var page struct {
			Items      []Parked
			NextCursor string
		}
		err := c.Get(ctx, service, "/v1/parked", pageQuery(cursor, 100), &page)
		return page.Items, page.NextCursor, err
	})
}
