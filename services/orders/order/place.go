package order

import (
	"fmt"
	"math"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// The bounds of an order.
const (
	MaxLines      = 100
	MaxQuantity   = 1_000_000
	MaxText       = 200 // characters of a name, an id, a line of an address, a token
	MaxEmail      = 254
	MaxPostalCode = 32
	MaxReason     = 500
	MethodCard    = "card"
)

// Place makes an order of nothing.
type Place struct {
	At              time.Time
	Customer        Customer
	Lines           []Line
	ShippingAddress Address
	Payment         Payment
	Deadlines       Deadlines // of the tenant, today
}

// Wrong is one field that cannot be taken, and why. It never quotes the value.
type Wrong struct {
	Field   string // "lines[2].sku"
	Message string
	// Plain marks a bound of the field alone, such as a length, which an API's schema can state as well.
	Plain bool
}

// Decide takes the order, once.
func (p Place) Decide(o Order) ([]Event, error) {
	if o.Placed != nil {
		return nil, es.Refuse(es.Conflict, "there is an order with this id")
	}
	if err := refuse(p.Validate()); err != nil {
		return nil, err
	}
	total, _ := p.total()
	return o.with(Placed{
		PlacedAt: p.At, Customer: p.Customer, Lines: p.Lines, ShippingAddress: p.ShippingAddress,
		Payment: p.Payment, Total: total, Deadlines: p.Deadlines,
	}), nil
}

// Validate names every wrong field at once.
func (p Place) Validate() []Wrong {
	var w wrongs
	w.text("customer.id", p.Customer.ID, 1, MaxText)
	w.text("customer.name", p.Customer.Name, 1, MaxText)
	switch n := utf8.RuneCountInString(p.Customer.Email); {
	case n < 1 || n > MaxEmail:
		w.bound("customer.email", "must be 1 to %d characters", MaxEmail)
	case !validEmail(p.Customer.Email):
		w.add("customer.email", "must be a plain e-mail address, without a display name")
	}
	p.validateLines(&w)
	a := p.ShippingAddress
	w.text("shippingAddress.name", a.Name, 1, MaxText)
	w.text("shippingAddress.line1", a.Line1, 1, MaxText)
	w.text("shippingAddress.line2", a.Line2, 0, MaxText)
	w.text("shippingAddress.city", a.City, 1, MaxText)
	w.text("shippingAddress.postalCode", a.PostalCode, 1, MaxPostalCode)
	switch {
	case utf8.RuneCountInString(a.Country) != 2:
		w.bound("shippingAddress.country", "must be an ISO 3166-1 alpha-2 code")
	case !isCountry(a.Country):
		w.add("shippingAddress.country", "must be an ISO 3166-1 alpha-2 code")
	}
	if p.Payment.Method != MethodCard {
		w.bound("payment.method", "must be %q", MethodCard)
	}
	w.text("payment.token", p.Payment.Token, 1, MaxText)
	return w
}

func (p Place) validateLines(w *wrongs) {
	if n := len(p.Lines); n < 1 || n > MaxLines {
		w.bound("lines", "must be 1 to %d", MaxLines)
	}
	seen := map[string]bool{}
	for i, l := range p.Lines {
		at := func(field string) string { return fmt.Sprintf("lines[%d].%s", i, field) }
		if !contracts.IsSKU(l.SKU) {
			w.bound(at("sku"), "must be 1 to 64 letters, digits, dots, underscores or hyphens")
		} else if seen[l.SKU] {
			w.add(at("sku"), "stands in an earlier line already")
		}
		seen[l.SKU] = true
		w.text(at("name"), l.Name, 1, MaxText)
		if l.Quantity < 1 || l.Quantity > MaxQuantity {
			w.bound(at("quantity"), "must be 1 to %d", MaxQuantity)
		}
		if l.UnitPrice.Amount < 0 {
			w.bound(at("unitPrice.amount"), "must not be negative")
		}
		switch currency := l.UnitPrice.Currency; {
		case utf8.RuneCountInString(currency) != 3:
			w.bound(at("unitPrice.currency"), "must be an ISO 4217 code")
		case !isCurrency(currency):
			w.add(at("unitPrice.currency"), "must be the ISO 4217 code of a currency in use")
		case currency != p.Lines[0].UnitPrice.Currency:
			w.add(at("unitPrice.currency"), "must be that of the first line")
		}
	}
	if _, fits := p.total(); !fits {
		w.add("lines", "come to a total past %d", int64(math.MaxInt64))
	}
}

// total is the sum over the lines, and whether it fits into 64 bits. Lines that are wrong in themselves do not
// count.
func (p Place) total() (total Money, fits bool) {
	for _, l := range p.Lines {
		price := l.UnitPrice.Amount
		if l.Quantity < 1 || l.Quantity > MaxQuantity || price < 0 {
			continue
		}
		if price > (math.MaxInt64-total.Amount)/l.Quantity {
			return Money{}, false
		}
		total.Amount += l.Quantity * price
		total.Currency = p.Lines[0].UnitPrice.Currency
	}
	return total, true
}

// validEmail wants a plain ASCII address, as every mail server takes it.
func validEmail(s string) bool {
	if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII || r == '[' }) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

// refuse is the refusal of a verb that holds something wrong.
func refuse(wrong []Wrong) error {
	if len(wrong) == 0 {
		return nil
	}
	return es.Refuse(es.Invalid, "%s %s", wrong[0].Field, wrong[0].Message)
}

type wrongs []Wrong

func (w *wrongs) add(field, format string, args ...any) {
	*w = append(*w, Wrong{Field: field, Message: fmt.Sprintf(format, args...)})
}

func (w *wrongs) bound(field, format string, args ...any) {
	*w = append(*w, Wrong{Field: field, Message: fmt.Sprintf(format, args...), Plain: true})
}

// text wants printable text of so many characters.
func (w *wrongs) text(field, s string, least, most int) {
	n := utf8.RuneCountInString(s)
	switch {
	case n < least && n == 0:
		w.bound(field, "must not be empty")
	case least > 0 && strings.TrimSpace(s) == "":
		w.add(field, "must not be blank")
	case n > most:
		w.bound(field, "must be at most %d characters", most)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		w.add(field, "must be text without control characters")
	}
}
