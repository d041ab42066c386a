package carrier

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// atOnce is how many webhooks are under way at the same time.
const atOnce = 8

// teller sends webhooks, each again and again until it is taken by a 2xx. While the other side is away it asks
// with one webhook at a time, so that a long outage costs no more than a short one.
type teller struct {
	config Config
	signer *standardwebhooks.Webhook
	client *http.Client
	taken  func(*notice) error
	alarm  alarm

	mu       sync.Mutex
	due      agenda[*notice]
	underWay int
	away     int       // how often in a row nobody was there
	pause    time.Time // until then nothing is sent
}

func newTeller(config Config, signer *standardwebhooks.Webhook, taken func(*notice) error) *teller {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = atOnce
	transport.Proxy = nil
	return &teller{
		config: config, signer: signer, taken: taken, alarm: newAlarm(),
		client: &http.Client{
			Transport: transport, Timeout: config.WebhookTimeout,
			// A redirect has not taken the webhook, and would be followed by a GET without a body.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// tell sends webhooks as soon as may be.
func (t *teller) tell(webhooks ...*notice) {
	if len(webhooks) == 0 {
		return
	}
	now := time.Now()
	t.mu.Lock()
	for _, webhook := range webhooks {
		t.due.add(now, webhook)
	}
	t.mu.Unlock()
	t.alarm.ring()
}

// run sends until ctx ends.
func (t *teller) run(ctx context.Context) error {
	defer t.client.CloseIdleConnections()
	var sending sync.WaitGroup
	defer sending.Wait()
	for {
		ready, next := t.take(time.Now())
		for _, webhook := range ready {
			sending.Go(func() { t.attempt(ctx, webhook) })
		}
		if !t.alarm.wait(ctx, next) {
			return nil
		}
	}
}

// take returns the webhooks to send now, and when to look again; the zero time when a ring will come.
func (t *teller) take(now time.Time) (ready []*notice, next time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	limit := atOnce
	if t.away > 0 {
		limit = 1
	}
	if now.Before(t.pause) {
		return nil, t.pause
	}
	for t.underWay < limit {
		webhook, due := t.due.take(now)
		if !due {
			next, _ = t.due.next()
			return ready, next
		}
		t.underWay++
		ready = append(ready, webhook)
	}
	return ready, time.Time{} // the end of an attempt rings
}

func (t *teller) attempt(ctx context.Context, webhook *notice) {
	status, err := t.send(ctx, webhook)
	level := slog.LevelDebug
	if err != nil || status/100 != 2 {
		level = slog.LevelWarn
	}
	if ctx.Err() == nil {
		t.config.Logger.Log(ctx, level, "webhook", "id", webhook.id(), "status", status, "try", webhook.tries+1)
	}
	if err == nil && status/100 == 2 {
		// A record that cannot be written stops the server, which then sends the webhook again.
		_ = t.taken(webhook)
	}
	t.settle(webhook, status, err)
	t.alarm.ring()
}

func (t *teller) settle(webhook *notice, status int, err error) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.underWay--
	if err == nil && status/100 == 2 {
		t.away = 0
		return
	}
	webhook.tries++
	t.due.add(now.Add(t.backoff(webhook.tries)), webhook)
	if err != nil || status/100 == 5 {
		t.away++
		t.pause = now.Add(t.backoff(t.away))
	} else {
		t.away = 0 // somebody is there, and only this webhook is not liked
	}
}

// backoff returns the pause after so many tries, a tenth of it by chance.
func (t *teller) backoff(tries int) time.Duration {
	pause := t.config.RetryFrom
	for range tries - 1 {
		if pause *= 2; pause >= t.config.RetryUpTo {
			pause = t.config.RetryUpTo
			break
		}
	}
	return pause - time.Duration(rand.Int64N(int64(pause)/10+1))
}

// send returns the HTTP status of the answer.
func (t *teller) send(ctx context.Context, webhook *notice) (int, error) {
	subject, at := webhook.booking, webhook.booking.pickedUpAt
	body := Webhook{Type: ParcelPickedUp}
	if webhook.status == Delivered {
		body.Type, at = ParcelDelivered, subject.deliveredAt
	}
	body.Timestamp = at
	body.Data = WebhookData{
		Reference: subject.reference, BookingID: subject.id, TrackingNumber: subject.trackingNumber,
		Carrier: Name, At: at,
	}
	payload, err := json.Marshal(body)
	if err != nil {
		return 0, fmt.Errorf("encode a webhook: %w", err)
	}
	now := time.Now()
	signature, err := t.signer.Sign(webhook.id(), now, payload)
	if err != nil {
		return 0, fmt.Errorf("sign a webhook: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.config.WebhookURL, bytes.NewReader(payload))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(standardwebhooks.HeaderWebhookID, webhook.id())
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	response, err := t.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	// Read to its end, so that the connection serves again; an answer that is cut is an answer.
	_, _ = io.CopyN(io.Discard, response.Body, 1<<16)
	return response.StatusCode, nil
}
