package shipping

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/platform/es"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/server"
	"waybill.dev/services/shipping/carrier"
	"waybill.dev/services/shipping/shipment"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is what shipping is configured by.
type Config struct {
	server.Config
	CarrierURL           string        `env:"CARRIER_URL" doc:"URL of the carrier"`
	CarrierWebhookSecret string        `env:"CARRIER_WEBHOOK_SECRET" doc:"what the carrier signs its webhooks by: whsec_ and 24 bytes or more in base64 (required)"`
	PollAfter            time.Duration `env:"POLL_AFTER" doc:"how long nothing is heard of a parcel until the carrier is asked; each further pause is longer"`
}

const (
	// Doc says what shipping is for.
	Doc = "Brings the parcels of orders on their way, and answers cancellations."
	// Port is where shipping listens unless it is told otherwise.
	Port = 8084
)

// Defaults are the configuration of shipping on this machine. There is no secret that would do for everybody.
func Defaults() Config {
	return Config{Config: server.Defaults(Port), CarrierURL: "http://127.0.0.1:9082", PollAfter: 30 * time.Second}
}

// New is shipping's table of contents. The error names the variable that is wrong.
func New(config Config) (server.Service, error) {
	verifier, err := newVerifier(config.CarrierWebhookSecret)
	if err != nil {
		return server.Service{}, err
	}
	if config.PollAfter <= 0 {
		return server.Service{}, fmt.Errorf("POLL_AFTER: %s is not more than nothing", config.PollAfter)
	}
	overHTTP, err := carrier.NewHTTP(config.CarrierURL)
	if err != nil {
		return server.Service{}, err
	}
	return server.Service{
		Name:       "shipping",
		Doc:        Doc,
		Port:       Port,
		Categories: []es.Erased{shipment.Category},
		Hears:      shipment.Hears(),
		React:      shipment.React,
		Publish:    Publish,
		Project:    projectOpenParcels(config.PollAfter),
		Routes: func(api huma.API, app *server.App) {
			routes(api, app)
			webhookRoute(api, app, verifier)
		},
		Retake: map[string]func(context.Context, *server.App, messaging.Whole) error{
			parkedFrom: retakeWebhook, answersParkedFrom: retake,
		},
		Workers:    func(w *server.Workers) { workers(w, overHTTP.System(), overHTTP) },
		Background: []func(context.Context, *server.App) error{poll(overHTTP.System(), overHTTP, config.PollAfter)},
		Migrations: migrations,
	}, nil
}
