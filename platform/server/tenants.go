package server

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"waybill.dev/contracts"
)

// Settings are what a tenant may have its own way.
type Settings struct {
	// CaptureAtOnce takes the money before the order is shipped.
	CaptureAtOnce bool
	// Deadlines say how long each step of an order may take.
	Deadlines Deadlines
}

// Deadlines are counted from the fact that the step waits behind.
type Deadlines struct {
	// Authorization of the payment, from the placing of the order.
	Authorization time.Duration
	// Reservation of the stock, from the authorization.
	Reservation time.Duration
	// Shipment is the pick-up by the carrier, from the reservation.
	Shipment time.Duration
	// Capture of the payment, from the pick-up.
	Capture time.Duration
	// Cancellation of the order, from the request for it.
	Cancellation time.Duration
}

// DefaultSettings are those of a tenant that the tenants file does not name, and of what it leaves out.
func DefaultSettings() Settings {
	return Settings{Deadlines: Deadlines{
		Authorization: 15 * time.Minute,
		Reservation:   15 * time.Minute,
		Shipment:      72 * time.Hour,
		Capture:       time.Hour,
		Cancellation:  time.Hour,
	}}
}

// Tenants are the settings of all tenants.
type Tenants struct {
	defaults Settings
	named    map[string]Settings
}

// Settings are the tenant's.
func (t *Tenants) Settings(tenant string) Settings {
	if s, ok := t.named[tenant]; ok {
		return s
	}
	return t.defaults
}

// The file: what it leaves out of a tenant is as in its defaults, and what it leaves out of these is built in.
type tenantsFile struct {
	Defaults settingsFile            `yaml:"defaults"`
	Tenants  map[string]settingsFile `yaml:"tenants"`
}

type settingsFile struct {
	CaptureAtOnce *bool `yaml:"captureAtOnce"`
	Deadlines     struct {
		Authorization *string `yaml:"authorization"`
		Reservation   *string `yaml:"reservation"`
		Shipment      *string `yaml:"shipment"`
		Capture       *string `yaml:"capture"`
		Cancellation  *string `yaml:"cancellation"`
	} `yaml:"deadlines"`
}

// LoadTenants reads the tenants' settings from a YAML file. Without a name, every tenant has the defaults.
//
//	defaults:
//	  captureAtOnce: false
//	  deadlines: {authorization: 15m, reservation: 15m, shipment: 72h, capture: 1h, cancellation: 1h}
//	tenants:
//	  acme:
//	    captureAtOnce: true
func LoadTenants(name string) (*Tenants, error) {
	if name == "" {
		return &Tenants{defaults: DefaultSettings()}, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("tenants file: %w", err)
	}
	t, err := parseTenants(data)
	if err != nil {
		return nil, fmt.Errorf("tenants file %s: %w", name, err)
	}
	return t, nil
}

func parseTenants(data []byte) (*Tenants, error) {
	var file tenantsFile
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		// Its first line names the place, "[3:5] unknown field …"; those after it show the source.
		return nil, errors.New(firstLine(yaml.FormatError(err, false, false)))
	}
	t := &Tenants{named: map[string]Settings{}}
	var err error
	if t.defaults, err = file.Defaults.over(DefaultSettings(), "defaults"); err != nil {
		return nil, err
	}
	for name, settings := range file.Tenants {
		if !contracts.IsTenant(name) {
			return nil, fmt.Errorf("tenants: %q is no tenant's name: it is 1 to 63 of a-z, 0-9 and -", name)
		}
		if t.named[name], err = settings.over(t.defaults, "tenants."+name); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (f settingsFile) over(s Settings, path string) (Settings, error) {
	if f.CaptureAtOnce != nil {
		s.CaptureAtOnce = *f.CaptureAtOnce
	}
	for _, d := range []struct {
		name string
		from *string
		to   *time.Duration
	}{
		{"authorization", f.Deadlines.Authorization, &s.Deadlines.Authorization},
		{"reservation", f.Deadlines.Reservation, &s.Deadlines.Reservation},
		{"shipment", f.Deadlines.Shipment, &s.Deadlines.Shipment},
		{"capture", f.Deadlines.Capture, &s.Deadlines.Capture},
		{"cancellation", f.Deadlines.Cancellation, &s.Deadlines.Cancellation},
	} {
		if d.from == nil {
			continue
		}
		v, err := time.ParseDuration(*d.from)
		if err != nil {
			return s, fmt.Errorf("%s.deadlines.%s: %q is no duration, such as 90s, 15m or 72h", path, d.name, *d.from)
		}
		if v <= 0 {
			return s, fmt.Errorf("%s.deadlines.%s: %s is not after its beginning", path, d.name, *d.from)
		}
		*d.to = v
	}
	return s, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
