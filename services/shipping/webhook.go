package shipping

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"waybill.dev/contracts"
	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/server"
	"waybill.dev/services/shipping/shipment"
)

// parkedFrom is where parked webhooks say that they came from.
const parkedFrom = "carrier-webhooks"

// webhookInput is the head of a webhook; its body is read as it was signed.
type webhookInput struct {
	server.Post
	ID        string `header:"webhook-id" maxLength:"255" doc:"The webhook's id, the same on every try: a repeat is known by it." example:"msg_2Lml"`
	Timestamp string `header:"webhook-timestamp" doc:"When this try was sent, in seconds since 1970; at most 5 minutes off." example:"1772600400"`
	Signature string `header:"webhook-signature" doc:"v1 and the HMAC-SHA256 of id, timestamp and body, in base64 (Standard Webhooks)." example:"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="`
}

// Webhook is what the carrier tells.
type Webhook struct {
	Type      string      `json:"type" doc:"parcel.picked_up or parcel.delivered; others are taken and kept for a person." example:"parcel.picked_up"`
	Timestamp time.Time   `json:"timestamp" doc:"When it happened." example:"2026-03-04T10:00:00Z"`
	Data      WebhookData `json:"data" doc:"The parcel."`
}

// WebhookData names the parcel.
type WebhookData struct {
	Reference      string    `json:"reference" doc:"Our name of the booking: tenant and order." example:"default/0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
	BookingID      string    `json:"bookingId" doc:"The carrier's name of it." example:"bkg_4f1x"`
	TrackingNumber string    `json:"trackingNumber" example:"SP5K2Q8" doc:"What the customer follows the parcel by."`
	Carrier        string    `json:"carrier" example:"Simulated Parcel" doc:"The carrier's name."`
	At             time.Time `json:"at" doc:"When it happened." example:"2026-03-04T10:00:00Z"`
}

// newVerifier holds webhooks against the secret that is shared with the carrier.
func newVerifier(secret string) (*standardwebhooks.Webhook, error) {
	const wrong = "CARRIER_WEBHOOK_SECRET: must be whsec_ and 24 bytes or more in base64"
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 {
		return nil, errors.New(wrong) // without the secret
	}
	return standardwebhooks.NewWebhookRaw(key)
}

// tolerance is how far a webhook's timestamp may be off: Standard Webhooks' own.
const tolerance = 5 * time.Minute

// genuine says whether the carrier has signed the webhook, a short time ago.
func genuine(verifier *standardwebhooks.Webhook, raw []byte, header http.Header) bool {
	sent, err := strconv.ParseInt(header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	return err == nil && clock.Now().Sub(time.Unix(sent, 0)).Abs() <= tolerance && verifier.VerifyIgnoringTimestamp(raw, header) == nil
}

func webhookRoute(api huma.API, app *server.App, verifier *standardwebhooks.Webhook) {
	body := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Webhook](), true, "Webhook")
	huma.Register(api, huma.Operation{
		OperationID: "take-carrier-webhook", Method: http.MethodPost, Path: "/v1/carrier-webhooks",
		Summary:       "Take what the carrier tells",
		Description:   "A pick-up or a delivery, signed by Standard Webhooks. The tenant is that of the reference, whatever the headers say. Repeats change nothing. What cannot be understood, or is about no shipment of ours, is taken as well, and kept for a person to look at (`GET /v1/parked`). Only what no service takes is a 400, and is not kept: text that is not UTF-8 or contains U+0000, a name that stands twice in an object, and nesting without end.",
		Tags:          []string{"carrier"},
		DefaultStatus: http.StatusAccepted,
		// The signature is held against the body as it came, and what passes the edge and does not fit is kept, not
		// refused.
		SkipValidateBody: true,
		RequestBody:      &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: body}}},
		Errors:           []int{400, 401, 409, 413, 415, 422, 503},
	}, func(ctx context.Context, in *webhookInput) (*struct{}, error) {
		raw := server.RawBody(ctx)
		header := http.Header{}
		header.Set(standardwebhooks.HeaderWebhookID, in.ID)
		header.Set(standardwebhooks.HeaderWebhookTimestamp, in.Timestamp)
		header.Set(standardwebhooks.HeaderWebhookSignature, in.Signature)
		if !genuine(verifier, raw, header) {
			return nil, huma.Error401Unauthorized("the webhook's signature is not valid")
		}
		// The webhook's own id makes it safe to repeat. A caller's key is held to its body besides; what is kept under it
		// is no reason not to look at the webhook, whose taking may have failed then.
		if in.IdempotencyKey != "" {
			if _, err := server.Execute(ctx, app, in.Post, es.Nothing(), func(es.States) server.Reply[struct{}] {
				return server.Reply[struct{}]{Status: http.StatusAccepted}
			}); err != nil {
				return nil, err
			}
		}
		return nil, server.Problem(takeWebhook(ctx, app, header, raw))
	})
}

// takeWebhook records what the webhook tells, or parks the webhook.
func takeWebhook(ctx context.Context, app *server.App, header http.Header, raw []byte) error {
	parking, err := recordWebhook(ctx, app, header, raw)
	id := parking.MessageID
	var refusal *es.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	app.Logger.WarnContext(ctx, "a carrier's webhook is parked", "webhook", id, "error", refusal.Detail)
	parking.Reason = refusal.Detail
	return messaging.Park(ctx, app.Pool, parking)
}

// retakeWebhook records what a parked webhook tells. Its signature was good when it came.
func retakeWebhook(ctx context.Context, app *server.App, parked messaging.Whole) error {
	header := http.Header{}
	header.Set(standardwebhooks.HeaderWebhookID, parked.MessageID)
	_, err := recordWebhook(ctx, app, header, parked.Value)
	return err
}

// recordWebhook records what the webhook tells. A refusal says why it cannot be taken: then it is to be parked so.
func recordWebhook(ctx context.Context, app *server.App, header http.Header, raw []byte) (messaging.Parking, error) {
	parking, report, err := readWebhook(header, raw)
	if err == nil {
		err = take(ctx, app, parking.Tenant, parking.Subject, report, "webhook:"+parking.MessageID, "webhook:"+parking.MessageID)
	}
	return parking, err
}

// readWebhook is what the webhook tells, and the webhook as it would be parked; or a refusal that says why it cannot be
// read.
func readWebhook(header http.Header, raw []byte) (parking messaging.Parking, report shipment.Report, err error) {
	parking = messaging.Parking{
		Topic: parkedFrom, Headers: map[string][][]byte{}, Value: raw, MessageID: header.Get(standardwebhooks.HeaderWebhookID), Tries: 1,
	}
	for name, values := range header {
		parking.Headers[strings.ToLower(name)] = [][]byte{[]byte(values[0])}
	}
	var w Webhook
	if json.Unmarshal(raw, &w) != nil {
		return parking, report, es.Refuse(es.Invalid, "the webhook cannot be read")
	}
	parking.EventType = w.Type
	if parking.Tenant, parking.Subject, err = reference(w.Data.Reference); err != nil {
		return parking, report, err
	}
	report, err = w.report()
	return parking, report, err
}

// reference takes "{tenant}/{order}" apart.
func reference(s string) (tenant, order string, err error) {
	tenant, order, ok := strings.Cut(s, "/")
	if !ok || !contracts.IsTenant(tenant) || order == "" || len(order) > maxOrderID {
		return "", "", es.Refuse(es.NotFound, "the webhook's reference is none of ours")
	}
	return tenant, order, nil
}

func (w Webhook) report() (shipment.Report, error) {
	r := shipment.Report{
		Booking: shipment.Booking{ID: w.Data.BookingID, Carrier: w.Data.Carrier, TrackingNumber: w.Data.TrackingNumber},
		At:      w.Data.At,
	}
	switch w.Type {
	case "parcel.picked_up":
		r.State = shipment.StatePickedUp
	case "parcel.delivered":
		r.State = shipment.StateDelivered
	default:
		return r, es.Refuse(es.Invalid, "the webhook is of an unknown type")
	}
	return r, nil
}
