package notifications_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
	"waybill.dev/platform/servicetest"
	"waybill.dev/services/notifications"
	"waybill.dev/simulators/mailbox"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// suite is notifications beside a mail server.
type suite struct {
	*servicetest.Service
	mails *mailbox.Server
}

func start(t *testing.T) suite {
	t.Helper()
	mails, err := mailbox.New(mailbox.Config{Listen: "127.0.0.1:0", ListenSMTP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	servicetest.Run(t, mails.Run)
	return suite{mails: mails, Service: servicetest.Start(t, "notifications", nil, func(c server.Config) (server.Service, error) {
		config := notifications.Defaults()
		config.Config, config.SMTPAddress = c, mails.SMTPAddr()
		return notifications.New(config)
	})}
}

func placed(email string) contracts.OrderPlaced {
	return contracts.OrderPlaced{Customer: contracts.Customer{ID: "c", Name: "Ada Lovelace", Email: email}}
}

type listed struct {
	Notifications []struct{ Kind, Channel, Address, Status, MessageID string }
}

// awaits waits until the order's mails, in any order, are exactly these: kind and status.
func awaits(t *testing.T, o servicetest.Order, want ...string) listed {
	t.Helper()
	var got listed
	servicetest.Eventually(t, func() bool {
		got = listed{}
		r := o.Call(t, o.Tenant, http.MethodGet, "/v1/notifications?order="+o.ID, nil)
		if r.Status != http.StatusOK {
			t.Fatalf("%d: %s", r.Status, r.Body)
		}
		r.JSON(t, &got)
		found := map[string]bool{}
		for _, n := range got.Notifications {
			found[n.Kind+" "+n.Status] = true
		}
		for _, w := range want {
			if !found[w] {
				return false
			}
		}
		return len(found) == len(want)
	}, func() string { return "mails of the order: " + strings.Join(want, ", ") + " were wanted" })
	return got
}

// delivered are the mails that the mail server has of an order.
func (s suite) delivered(t *testing.T, o servicetest.Order) []mailbox.Mail {
	t.Helper()
	query := url.Values{"tenant": {o.Tenant}, "order": {o.ID}}
	service := servicetest.Service{URL: s.mails.URL()}
	r := service.Call(t, "", http.MethodGet, "/v1/mails?"+query.Encode(), nil)
	var page mailbox.MailPage
	r.JSON(t, &page)
	return page.Mails
}

func TestCustomerIsTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	t.Run("each event is a mail, once", func(t *testing.T) {
		t.Parallel()
		o := s.Order("acme")
		o.Hears(t, placed("ada@customers.example"), contracts.OrderShipped{Carrier: "Parcel", TrackingNumber: "SP1"}, contracts.OrderCompleted{Total: contracts.Money{Amount: 100, Currency: "EUR"}})
		got := awaits(t, o, "order-received sent", "order-shipped sent", "order-completed sent")
		if n := got.Notifications[0]; n.Address != "ada@customers.example" || n.Channel != "mail" {
			t.Errorf("%+v", n)
		}
		mails := s.delivered(t, o)
		if len(mails) != 3 {
			t.Fatalf("%d mails", len(mails))
		}
		for _, m := range mails {
			if len(m.To) != 1 || m.To[0] != "ada@customers.example" || !strings.Contains(m.Text, o.ID) {
				t.Errorf("mail: %+v", m)
			}
		}
	})
	t.Run("a mail is held until the address is known", func(t *testing.T) {
		t.Parallel()
		o := s.Order("acme")
		o.Hears(t, contracts.PaymentFailed{Code: "card_declined"})
		awaits(t, o, "payment-failed held")
		o.Hears(t, placed("held@customers.example"))
		awaits(t, o, "order-received sent", "payment-failed sent")
		if mails := s.delivered(t, o); len(mails) != 2 {
			t.Errorf("%d mails", len(mails))
		}
	})
	t.Run("refused for good", func(t *testing.T) {
		t.Parallel()
		o := s.Order("acme")
		o.Hears(t, placed("refused@customers.example"))
		awaits(t, o, "order-received refused")
		if log := s.Log.String(); !strings.Contains(log, `"msg":"the mail server has refused a mail for good"`) || !strings.Contains(log, `"order":"`+o.ID+`"`) {
			t.Errorf("the refusal is not in the log:\n%s", log)
		}
	})
	t.Run("not now, then taken", func(t *testing.T) {
		t.Parallel()
		o := s.Order("acme")
		o.Hears(t, placed("fails-once@customers.example"))
		awaits(t, o, "order-received sent")
		if mails := s.delivered(t, o); len(mails) != 1 {
			t.Errorf("%d mails", len(mails))
		}
	})
	t.Run("an unanswered copy has the same Message-ID", func(t *testing.T) {
		t.Parallel()
		o := s.Order("acme")
		o.Hears(t, placed("unanswered@customers.example"))
		got := awaits(t, o, "order-received sent")
		mails := s.delivered(t, o)
		if len(mails) != 2 || mails[0].MessageID != mails[1].MessageID || !strings.Contains(mails[0].MessageID, got.Notifications[0].MessageID) {
			t.Errorf("mails: %+v", mails)
		}
	})
	t.Run("no tenant sees another's", func(t *testing.T) {
		t.Parallel()
		o := s.Order("acme")
		o.Hears(t, placed("ada@customers.example"))
		awaits(t, o, "order-received sent")
		other := o
		other.Tenant = "rival"
		awaits(t, other)
	})
	t.Run("bad requests", func(t *testing.T) {
		t.Parallel()
		for _, query := range []string{"", "?order=", "?order=" + strings.Repeat("x", 65), "?order=%00"} {
			r := s.Call(t, "acme", http.MethodGet, "/v1/notifications"+query, nil)
			if r.Status < 400 || r.Status > 499 || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/problem+json") {
				t.Errorf("%q: %d %s", query, r.Status, r.Body)
			}
		}
	})
	t.Cleanup(func() {
		if log := s.Log.String(); strings.Contains(log, "customers.example") || strings.Contains(log, "Lovelace") {
			t.Error("an address or a name stands in the log")
		}
	})
}

func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*notifications.Config){
		"SMTP_ADDRESS": func(c *notifications.Config) { c.SMTPAddress = "mailserver" },
		"MAIL_FROM":    func(c *notifications.Config) { c.MailFrom = "nobody" },
	} {
		config := notifications.Defaults()
		damage(&config)
		if _, err := notifications.New(config); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
