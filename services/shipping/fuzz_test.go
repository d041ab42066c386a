package shipping

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/shipping/shipment"
)

// Whatever comes as a webhook: it is not genuine; or it is refused, and so parked; or it is a report of a shipment that
// was asked for, which the shipment takes or refuses. Nobody signs but who has the secret.
func FuzzWebhook(f *testing.F) {
	key := []byte("012345678901234567890123456789ab")
	verifier, err := newVerifier("whsec_" + base64.StdEncoding.EncodeToString(key))
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{
		`{"type":"parcel.picked_up","timestamp":"2026-03-04T10:00:00Z","data":{"reference":"acme/o","bookingId":"b","trackingNumber":"T","carrier":"C","at":"2026-03-04T10:00:00Z"}}`,
		`{"type":"parcel.delivered","data":{"reference":"acme/o","bookingId":"b","at":"2026-03-04T10:00:00Z"}}`,
		`{"type":"parcel.delivered","data":{"reference":"acme/o","bookingId":"other","at":"0001-01-01T00:00:00Z"}}`,
		`{"type":"parcel.lost","data":{"reference":"acme/o/1"}}`, `{"type":"parcel.picked_up","data":{"reference":"ACME/"}}`, `null`, `[]`, ``, `{"data":null}`,
	} {
		f.Add("msg_1", int64(0), "", []byte(body))
	}
	f.Add("msg.1", int64(-400), "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=", []byte(`{}`))
	f.Add("", int64(1<<62), "v1, v1a,== v2,\xff", []byte(`{}`))
	f.Fuzz(func(t *testing.T, id string, late int64, signature string, body []byte) {
		now := time.Now()
		header := http.Header{}
		header.Set(standardwebhooks.HeaderWebhookID, id)
		header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix()+late, 10))
		header.Set(standardwebhooks.HeaderWebhookSignature, signature)
		if genuine(verifier, body, header) {
			t.Fatalf("%q signs %q", signature, body)
		}
		signed, err := verifier.Sign(id, time.Unix(now.Unix()+late, 0), body)
		if err != nil {
			t.Fatal(err)
		}
		header.Set(standardwebhooks.HeaderWebhookSignature, signed)
		if inTime := late > -290 && late < 290; inTime && !genuine(verifier, body, header) || (late < -310 || late > 310) && genuine(verifier, body, header) {
			t.Errorf("%d s late", late)
		}

		var refusal *es.Refusal
		parking, report, err := readWebhook(header, body)
		if parking.Topic == "" || parking.MessageID != id || string(parking.Value) != string(body) {
			t.Errorf("it would be parked as %+v", parking)
		}
		if err != nil {
			if !errors.As(err, &refusal) {
				t.Fatal(err)
			}
			return
		}
		if !contracts.IsTenant(parking.Tenant) || parking.Subject == "" || len(parking.Subject) > maxOrderID {
			t.Errorf("it is about %q of %q", parking.Subject, parking.Tenant)
		}
		log := estest.NewMemory(shipment.Category)
		stream := shipment.Category.Stream(parking.Tenant, parking.Subject)
		take := shipment.Take(parking.Tenant, parking.Subject, report)
		if _, err := log.Run(take); !errors.As(err, &refusal) {
			t.Errorf("a shipment that nobody asked for: %v", err)
		}
		asked := es.Facts[shipment.Event](stream, shipment.OrderHeard{}, shipment.StockReservedHeard{}, shipment.Attempted{Operation: shipment.Book})
		if err := log.Append(asked...); err != nil {
			t.Fatal(err)
		}
		if _, err := log.Run(take); err != nil && !errors.As(err, &refusal) {
			t.Error(err)
		} else if err == nil {
			if d, err := log.Run(take); err != nil || len(d.Facts) > 0 {
				t.Errorf("again it comes to %v, %v", d.Facts, err)
			}
		}
	})
}
