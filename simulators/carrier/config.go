package carrier

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The values of a Config that are left out.
const (
	DefaultListen         = "127.0.0.1:9082"
	DefaultRetryFrom      = 200 * time.Millisecond
	DefaultRetryUpTo      = 30 * time.Second
	DefaultWebhookTimeout = 10 * time.Second
)

// Config says where and how a carrier runs. The zero value is a carrier on DefaultListen that picks up and
// delivers at once, tells nobody, and forgets everything when it ends.
type Config struct {
	// Listen is the address to serve HTTP on, host:port; port 0 is a free one. DefaultListen unless given.
	Listen string
	// Listener is served instead of Listen where it is given; the server closes it.
	Listener net.Listener
	// Data is the folder of the books, made where it is missing. Without one they end with the server.
	Data string
	// PickUpAfter is how long after its booking a parcel is picked up; zero is at once.
	PickUpAfter time.Duration
	// DeliverAfter is how long after its pick-up a parcel is delivered; zero is at once.
	DeliverAfter time.Duration
	// WebhookURL is told of every pick-up and delivery. Without one, nobody is.
	WebhookURL string
	// WebhookSecret signs the webhooks: "whsec_" and 24 to 64 bytes in base64. Needed with WebhookURL.
	WebhookSecret string
	// WebhookTimeout is how long an answer to a webhook may take. DefaultWebhookTimeout unless given.
	WebhookTimeout time.Duration
	// RetryFrom is the pause before a webhook is sent a second time; each further pause is twice as long, up to
	// RetryUpTo. DefaultRetryFrom and DefaultRetryUpTo unless given.
	RetryFrom, RetryUpTo time.Duration
	// Logger hears of every booking and webhook, at debug level. Nothing is logged without one.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	for name, value := range map[string]time.Duration{
		"PickUpAfter": c.PickUpAfter, "DeliverAfter": c.DeliverAfter, "WebhookTimeout": c.WebhookTimeout,
		"RetryFrom": c.RetryFrom, "RetryUpTo": c.RetryUpTo,
	} {
		if value < 0 {
			return c, fmt.Errorf("carrier: %s must not be negative", name)
		}
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.WebhookTimeout == 0 {
		c.WebhookTimeout = DefaultWebhookTimeout
	}
	if c.RetryFrom == 0 {
		c.RetryFrom = DefaultRetryFrom
	}
	if c.RetryUpTo == 0 {
		c.RetryUpTo = max(DefaultRetryUpTo, c.RetryFrom)
	}
	if c.RetryUpTo < c.RetryFrom {
		return c, errors.New("carrier: RetryUpTo must not be less than RetryFrom")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// signer returns what signs the webhooks, nil where nobody is told.
func (c Config) signer() (*standardwebhooks.Webhook, error) {
	if c.WebhookURL == "" {
		return nil, nil
	}
	target, err := url.Parse(c.WebhookURL)
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return nil, errors.New("carrier: WebhookURL must be an http or https URL")
	}
	if !strings.HasPrefix(c.WebhookSecret, "whsec_") || len(c.WebhookSecret) < len("whsec_")+32 {
		return nil, errors.New("carrier: WebhookSecret must be whsec_ and at least 24 bytes in base64")
	}
	signer, err := standardwebhooks.NewWebhook(c.WebhookSecret)
	if err != nil {
		return nil, errors.New("carrier: WebhookSecret must be whsec_ and at least 24 bytes in base64")
	}
	return signer, nil
}
