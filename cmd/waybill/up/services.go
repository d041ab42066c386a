package up

import (
	"context"
	"fmt"
	"time"

	"waybill.dev/platform/server"
	"waybill.dev/services/inventory"
	"waybill.dev/services/notifications"
	"waybill.dev/services/orders"
	"waybill.dev/services/payments"
	"waybill.dev/services/shipping"

	"waybill.dev/cmd/waybill/suite"
)

// pollAfter suits a carrier that takes seconds where others take days.
const pollAfter = 5 * time.Second

// startServices runs the services and the outside world that they call.
func (s *Suite) startServices(ctx context.Context, f foundation, o *outside) error {
	addresses := suite.SeenFrom(suite.Description{Simulators: o.addresses()}, DefaultHost).Simulators
	for _, name := range suite.ServiceNames() {
		service, base, err := s.service(name, f, addresses, o.webhookSecret)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		running, err := server.New(ctx, service, base, server.Options{Logger: s.logger})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		f.services[name] = running
		s.services.start(func(ctx context.Context) {
			if err := running.Run(ctx); err != nil {
				s.fail(fmt.Errorf("%s has ended by itself: %w", name, err))
			}
		})
	}
	return s.startOutside(o, f.services[suite.Shipping].URL()+"/v1/carrier-webhooks")
}

// service is a service configured for this suite.
func (s *Suite) service(name string, f foundation, outside map[string]string, webhookSecret string) (server.Service, server.Config, error) {
	base := func(c server.Config) server.Config {
		c.Listen = s.config.address(name)
		c.DatabaseURL, c.MigrationsURL = f.access[name].ServiceURL, f.access[name].OwnerURL
		c.KafkaBrokers = f.brokers
		c.TenantsFile = s.config.TenantsFile
		c.TraceEndpoint = s.config.TraceEndpoint
		return c
	}
	switch name {
	case suite.Orders:
		config := orders.Defaults()
		config.Config = base(config.Config)
		service, err := orders.New(config)
		return service, config.Config, err
	case suite.Payments:
		config := payments.Defaults()
		config.Config, config.ProviderURL = base(config.Config), outside[suite.Provider]
		service, err := payments.New(config)
		return service, config.Config, err
	case suite.Inventory:
		config := inventory.Defaults()
		config.Config = base(config.Config)
		service, err := inventory.New(config)
		return service, config.Config, err
	case suite.Shipping:
		config := shipping.Defaults()
		config.Config, config.CarrierURL, config.CarrierWebhookSecret = base(config.Config), outside[suite.Carrier], webhookSecret
		config.PollAfter = pollAfter
		service, err := shipping.New(config)
		return service, config.Config, err
	case suite.Notifications:
		config := notifications.Defaults()
		config.Config, config.SMTPAddress = base(config.Config), outside[suite.SMTP]
		service, err := notifications.New(config)
		return service, config.Config, err
	}
	return server.Service{}, server.Config{}, fmt.Errorf("there is no service %s", name)
}
