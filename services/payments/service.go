package payments

import (
	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
	"waybill.dev/services/payments/gateway"
	"waybill.dev/services/payments/payment"
)

// Config is what payments is configured by.
type Config struct {
	server.Config
	ProviderURL string `env:"PROVIDER_URL" doc:"URL of the payment provider"`
}

const (
	// Doc says what payments is for.
	Doc = "Holds, takes and gives back the money of orders."
	// Port is where payments listens unless it is told otherwise.
	Port = 8082
)

// Defaults are the configuration of payments on this machine.
func Defaults() Config {
	return Config{Config: server.Defaults(Port), ProviderURL: "http://127.0.0.1:9081"}
}

// New is payments' table of contents. The error names the variable that is wrong.
func New(config Config) (server.Service, error) {
	tenants, err := server.LoadTenants(config.TenantsFile)
	if err != nil {
		return server.Service{}, err
	}
	provider, err := gateway.NewProvider(config.ProviderURL)
	if err != nil {
		return server.Service{}, err
	}
	settings := func(tenant string) payment.Settings {
		return payment.Settings{CaptureAtOnce: tenants.Settings(tenant).CaptureAtOnce}
	}
	return server.Service{
		Name:       "payments",
		Doc:        Doc,
		Port:       Port,
		Categories: []es.Erased{payment.Category},
		Hears:      payment.Hears(),
		React:      payment.React(settings),
		Publish:    Publish,
		Routes:     routes,
		Workers:    func(w *server.Workers) { server.WorkOutside(w, provider.System(), ask(provider)) },
	}, nil
}
