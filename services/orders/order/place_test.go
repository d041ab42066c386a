package order_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/platform/es"
	"waybill.dev/services/orders/order"
)

func TestPlace(t *testing.T) {
	t.Parallel()
	given(t).When(do(place())).Then(facts(placed())...).ThenJobs()
}

func TestPlaceTheSameIDAgain(t *testing.T) {
	t.Parallel()
	given(t, placed()).When(do(place())).ThenRefused(es.Conflict)
}

// An order of which others were heard to speak before it was placed here comes to the end that they say.
func TestPlaceAfterItsEndWasHeard(t *testing.T) {
	t.Parallel()
	given(t, shipped, captured).When(do(place())).Then(facts(placed(), completed)...)
}

func TestPlaceRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := place()
	p.Lines = nil
	given(t).When(do(p)).ThenRefused(es.Invalid)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	line := func(sku string, quantity, amount int64, currency string) order.Line {
		return order.Line{SKU: sku, Name: "x", Quantity: quantity, UnitPrice: order.Money{Amount: amount, Currency: currency}}
	}
	many := func(n int) (lines []order.Line) {
		for i := range n {
			lines = append(lines, line(fmt.Sprintf("SKU-%d", i), 1, 1, "EUR"))
		}
		return lines
	}
	cases := map[string]struct {
		change func(*order.Place)
		wrong  []string
	}{
		"good":                   {func(*order.Place) {}, nil},
		"no lines":               {func(p *order.Place) { p.Lines = nil }, []string{"lines"}},
		"a hundred lines":        {func(p *order.Place) { p.Lines = many(100) }, nil},
		"too many lines":         {func(p *order.Place) { p.Lines = many(101) }, []string{"lines"}},
		"quantity 0":             {func(p *order.Place) { p.Lines[1].Quantity = 0 }, []string{"lines[1].quantity"}},
		"quantity negative":      {func(p *order.Place) { p.Lines[0].Quantity = -1 }, []string{"lines[0].quantity"}},
		"quantity most":          {func(p *order.Place) { p.Lines[0].Quantity = 1_000_000 }, nil},
		"quantity absurd":        {func(p *order.Place) { p.Lines[0].Quantity = math.MaxInt64 }, []string{"lines[0].quantity"}},
		"price negative":         {func(p *order.Place) { p.Lines[0].UnitPrice.Amount = -1 }, []string{"lines[0].unitPrice.amount"}},
		"free":                   {func(p *order.Place) { p.Lines[0].UnitPrice.Amount = 0 }, nil},
		"mixed currencies":       {func(p *order.Place) { p.Lines[1].UnitPrice.Currency = "USD" }, []string{"lines[1].unitPrice.currency"}},
		"unknown currency":       {func(p *order.Place) { p.Lines = []order.Line{line("A", 1, 1, "ZZZ")} }, []string{"lines[0].unitPrice.currency"}},
		"currency in small":      {func(p *order.Place) { p.Lines = []order.Line{line("A", 1, 1, "eur")} }, []string{"lines[0].unitPrice.currency"}},
		"two currencies at once": {func(p *order.Place) { p.Lines = []order.Line{line("A", 1, 1, "EUR USD")} }, []string{"lines[0].unitPrice.currency"}},
		"no currency":            {func(p *order.Place) { p.Lines = []order.Line{line("A", 1, 1, "")} }, []string{"lines[0].unitPrice.currency"}},
		"a line past int64":      {func(p *order.Place) { p.Lines = []order.Line{line("A", 2, math.MaxInt64/2+1, "EUR")} }, []string{"lines"}},
		"the sum past int64": {func(p *order.Place) {
			p.Lines = []order.Line{line("A", 1, math.MaxInt64, "EUR"), line("B", 1, 1, "EUR")}
		}, []string{"lines"}},
		"the sum is int64's most": {func(p *order.Place) {
			p.Lines = []order.Line{line("A", 1, math.MaxInt64-1, "EUR"), line("B", 1, 1, "EUR")}
		}, nil},
		"SKU twice":               {func(p *order.Place) { p.Lines[1].SKU = "MUG-1" }, []string{"lines[1].sku"}},
		"SKU empty":               {func(p *order.Place) { p.Lines[1].SKU = "" }, []string{"lines[1].sku"}},
		"SKU with a space":        {func(p *order.Place) { p.Lines[1].SKU = "A B" }, []string{"lines[1].sku"}},
		"SKU with a line's end":   {func(p *order.Place) { p.Lines[1].SKU = "AB\n" }, []string{"lines[1].sku"}},
		"SKU too long":            {func(p *order.Place) { p.Lines[1].SKU = strings.Repeat("A", 65) }, []string{"lines[1].sku"}},
		"line's name empty":       {func(p *order.Place) { p.Lines[1].Name = "" }, []string{"lines[1].name"}},
		"line's name blank":       {func(p *order.Place) { p.Lines[1].Name = "  " }, []string{"lines[1].name"}},
		"name of 200":             {func(p *order.Place) { p.Lines[1].Name = strings.Repeat("é", 200) }, nil},
		"name of 201":             {func(p *order.Place) { p.Lines[1].Name = strings.Repeat("é", 201) }, []string{"lines[1].name"}},
		"name with U+0000":        {func(p *order.Place) { p.Customer.Name = "A\x00" }, []string{"customer.name"}},
		"name not UTF-8":          {func(p *order.Place) { p.Customer.Name = "A\xff" }, []string{"customer.name"}},
		"name with a line's end":  {func(p *order.Place) { p.Customer.Name = "A\r\nBcc: b@example.com" }, []string{"customer.name"}},
		"customer without an id":  {func(p *order.Place) { p.Customer.ID = "" }, []string{"customer.id"}},
		"no e-mail":               {func(p *order.Place) { p.Customer.Email = "" }, []string{"customer.email"}},
		"e-mail without a domain": {func(p *order.Place) { p.Customer.Email = "ada" }, []string{"customer.email"}},
		"e-mail with a name":      {func(p *order.Place) { p.Customer.Email = "Ada <ada@example.com>" }, []string{"customer.email"}},
		"two e-mails":             {func(p *order.Place) { p.Customer.Email = "a@example.com,b@example.com" }, []string{"customer.email"}},
		"e-mail beyond ASCII":     {func(p *order.Place) { p.Customer.Email = "ädä@example.com" }, []string{"customer.email"}},
		"e-mail too long":         {func(p *order.Place) { p.Customer.Email = strings.Repeat("a", 250) + "@b.de" }, []string{"customer.email"}},
		"unknown country":         {func(p *order.Place) { p.ShippingAddress.Country = "XX" }, []string{"shippingAddress.country"}},
		"country in small":        {func(p *order.Place) { p.ShippingAddress.Country = "de" }, []string{"shippingAddress.country"}},
		"country of three":        {func(p *order.Place) { p.ShippingAddress.Country = "DEU" }, []string{"shippingAddress.country"}},
		"postal code too long":    {func(p *order.Place) { p.ShippingAddress.PostalCode = strings.Repeat("1", 33) }, []string{"shippingAddress.postalCode"}},
		"method unknown":          {func(p *order.Place) { p.Payment.Method = "cash" }, []string{"payment.method"}},
		"no token":                {func(p *order.Place) { p.Payment.Token = "" }, []string{"payment.token"}},
		"token too long":          {func(p *order.Place) { p.Payment.Token = strings.Repeat("t", 201) }, []string{"payment.token"}},
		"all at once": {func(p *order.Place) { *p = order.Place{Lines: []order.Line{{}}} }, []string{
			"customer.id", "customer.name", "customer.email", "lines[0].sku", "lines[0].name", "lines[0].quantity",
			"lines[0].unitPrice.currency", "shippingAddress.name", "shippingAddress.line1", "shippingAddress.city",
			"shippingAddress.postalCode", "shippingAddress.country", "payment.method", "payment.token",
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := place()
			c.change(&p)
			var got []string
			for _, w := range p.Validate() {
				got = append(got, w.Field)
				if p.Payment.Token != "" && strings.Contains(w.Message, p.Payment.Token) {
					t.Errorf("%s quotes the value: %s", w.Field, w.Message)
				}
			}
			if diff := cmp.Diff(c.wrong, got); diff != "" {
				t.Errorf("wrong fields (-want +got):\n%s", diff)
			}
		})
	}
}
