package world

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/es"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/payments/gateway"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/carrier"
	"waybill.dev/services/shipping/shipment"
	simcarrier "waybill.dev/simulators/carrier"
	"waybill.dev/simulators/provider"
)

// outside is the real provider and carrier, asked as the services ask them.
type outside struct {
	folder   string
	provider *gateway.Provider
	carrier  *carrier.HTTP
	urls     map[string]string
	stop     func() error
}

// The simulators' journals within their folders.
const (
	providerJournal = "provider.jsonl"
	carrierJournal  = "carrier.jsonl"
)

func startOutside(ctx context.Context, folder string) (*outside, error) {
	p, err := provider.New(provider.Config{Listen: "127.0.0.1:0", Data: filepath.Join(folder, suite.Provider)})
	if err != nil {
		return nil, err
	}
	c, err := simcarrier.New(simcarrier.Config{Listen: "127.0.0.1:0", Data: filepath.Join(folder, suite.Carrier)})
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	o := &outside{folder: folder, urls: map[string]string{suite.Provider: p.URL(), suite.Carrier: c.URL()}}
	ctx, cancel := context.WithCancel(ctx)
	var running errgroup.Group
	running.Go(func() error { return p.Run(ctx) })
	running.Go(func() error { return c.Run(ctx) })
	o.stop = func() error {
		cancel()
		return running.Wait()
	}
	if o.provider, err = gateway.NewProvider(p.URL()); err == nil {
		o.carrier, err = carrier.NewHTTP(c.URL())
	}
	if err != nil {
		return nil, errors.Join(err, o.stop())
	}
	return o, nil
}

// tell has a simulator do what a person would: allow, pick up, deliver.
func (o *outside) tell(ctx context.Context, simulator, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.urls[simulator]+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s answers %s with %s", simulator, path, answer.Status)
	}
	return nil
}

// journal is what a simulator has written down behind an offset.
func (o *outside) journal(simulator, name string, after int) ([]string, int, error) {
	text, err := os.ReadFile(filepath.Join(o.folder, simulator, name))
	if err != nil {
		return nil, 0, err
	}
	return strings.Split(strings.TrimSuffix(string(text[after:]), "\n"), "\n"), len(text), nil
}

// work does a job as the service's own worker does, and records its outcome.
func (e *engine) work(ctx context.Context, j job) error {
	switch args := j.args.(type) {
	case payment.Ask:
		id := payment.Category.Stream(j.tenant, args.Order)
		p := payment.Category.State(e.states[j.service], id)
		outcome, err := e.outside.provider.Do(ctx, gateway.Request{
			Operation: args.Operation, Key: args.Key, Reference: j.tenant + "/" + args.Order,
			Payment: p.Provider, Amount: p.Amount, Token: p.Token,
		})
		if err != nil {
			return err
		}
		return e.run(j.service, payment.Settle(id, outcome, now()), j.meta, now())
	case shipment.BookJob:
		s := e.shipment(j.tenant, args.Order)
		report, err := e.outside.carrier.Book(ctx, args.Key, carrier.Parcel{
			Reference: j.tenant + "/" + args.Order, Address: s.Address, Lines: s.Lines,
		})
		return e.carried(j, args.Job, report, err, shipment.RefuseBooking)
	case shipment.CancelJob:
		s := e.shipment(j.tenant, args.Order)
		report, err := e.outside.carrier.Cancel(ctx, args.Key, s.Booking.ID)
		return e.carried(j, args.Job, report, err, shipment.RefuseCancel)
	case mail.Send:
		return e.run(j.service, mail.Settle(mail.Streams.Stream(j.tenant, args.Order), args.Mail, 0), j.meta, now())
	}
	return fmt.Errorf("nobody does the job %s", j.args.Kind())
}

// carried records what the carrier has answered.
func (e *engine) carried(j job, args shipment.Job, report shipment.Report, err error,
	refuse func(tenant, order string, number int, code string) es.Command) error {
	var refused *carrier.RefusedError
	if errors.As(err, &refused) {
		return e.run(j.service, refuse(j.tenant, args.Order, args.Number, refused.Code), j.meta, now())
	}
	if err != nil {
		return err
	}
	return e.run(j.service, shipment.Take(j.tenant, args.Order, report), j.meta, now())
}

func (e *engine) shipment(tenant, order string) shipment.Shipment {
	return shipment.Category.State(e.states[suite.Shipping], shipment.Category.Stream(tenant, order))
}
