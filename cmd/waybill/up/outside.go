package up

import (
	"context"
	"fmt"
	"net"
	"slices"

	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/mailbox"
	"waybill.dev/simulators/provider"

	"waybill.dev/cmd/waybill/suite"
)

// outside is where the simulated outside world listens. Its addresses are taken first, because the services are
// told them.
type outside struct {
	listeners     map[string]net.Listener
	webhookSecret string
	taken         map[string]bool // by the simulators, which close them
}

func listenOutside(config Config) (*outside, error) {
	o := &outside{listeners: map[string]net.Listener{}, taken: map[string]bool{}, webhookSecret: suite.NewWebhookSecret()}
	for _, name := range append(suite.SimulatorNames(), suite.SMTP) {
		listener, err := listen(config.address(name), name)
		if err != nil {
			o.close()
			return nil, err
		}
		o.listeners[name] = listener
	}
	return o, nil
}

func (o *outside) take(name string) net.Listener {
	o.taken[name] = true
	return o.listeners[name]
}

// close lets go of the addresses that no simulator has taken.
func (o *outside) close() {
	for name, listener := range o.listeners {
		if !o.taken[name] {
			_ = listener.Close()
		}
	}
}

// addresses are base URLs, and host:port for SMTP.
func (o *outside) addresses() map[string]string {
	addresses := map[string]string{}
	for name, listener := range o.listeners {
		addresses[name] = listener.Addr().String()
		if slices.Contains(suite.SimulatorNames(), name) {
			addresses[name] = "http://" + addresses[name]
		}
	}
	return addresses
}

// simulator is what the simulators have in common.
type simulator interface {
	Run(ctx context.Context) error
}

// startOutside runs the simulators. The carrier tells the webhook URL of every pick-up and delivery.
func (s *Suite) startOutside(o *outside, webhookURL string) error {
	logger := s.logger.With("part", "simulators")
	for _, name := range suite.SimulatorNames() {
		var running simulator
		var err error
		switch data := s.kept("simulators", name); name {
		case suite.Provider:
			running, err = provider.New(provider.Config{Listener: o.take(name), Data: data, Logger: logger})
		case suite.Carrier:
			running, err = carrier.New(carrier.Config{
				Listener: o.take(name), Data: data, Logger: logger,
				PickUpAfter: s.config.PickUpAfter, DeliverAfter: s.config.DeliverAfter,
				WebhookURL: webhookURL, WebhookSecret: o.webhookSecret,
			})
		case suite.Mailbox:
			running, err = mailbox.New(mailbox.Config{
				Listener: o.take(name), ListenerSMTP: o.take(suite.SMTP), Data: data, Logger: logger,
			})
		}
		if err != nil {
			return err
		}
		s.simulators.start(func(ctx context.Context) {
			if err := running.Run(ctx); err != nil {
				s.fail(fmt.Errorf("%s has ended by itself: %w", name, err))
			}
		})
	}
	return nil
}
