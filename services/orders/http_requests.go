package orders

import (
	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/services/orders/order"

	"waybill.dev/platform/server"
)

type placeInput struct {
	server.Post
	Body NewOrder
}

// NewOrder is an order as a shop posts it.
type NewOrder struct {
	Customer        Customer  `json:"customer" doc:"Who orders."`
	Lines           []NewLine `json:"lines" nullable:"false" minItems:"1" maxItems:"100" doc:"What is ordered: each SKU in one line, all in one currency."`
	ShippingAddress Address   `json:"shippingAddress" doc:"Where the parcel goes."`
	Payment         Payment   `json:"payment" doc:"How it is paid."`
}

// Customer is who orders.
type Customer struct {
	ID    string `json:"id" minLength:"1" maxLength:"200" doc:"The shop's own name of the customer." example:"customer-1815"`
	Name  string `json:"name" minLength:"1" maxLength:"200" doc:"As in a letter." example:"Ada Lovelace"`
	Email string `json:"email" minLength:"1" maxLength:"254" doc:"Where mails about the order go: a plain ASCII address without a display name." example:"ada@example.com"`
}

// NewLine is one article.
type NewLine struct {
	SKU       string `json:"sku" pattern:"^[A-Za-z0-9._-]{1,64}$" patternDescription:"1 to 64 letters, digits, dots, underscores or hyphens" doc:"The article." example:"MUG-BLUE"`
	Name      string `json:"name" minLength:"1" maxLength:"200" doc:"The article's name, for people." example:"Mug, blue"`
	Quantity  int64  `json:"quantity" minimum:"1" maximum:"1000000" doc:"How many." example:"2"`
	UnitPrice Price  `json:"unitPrice" doc:"What one of them costs."`
}

// Price is money that is asked for.
type Price struct {
	Amount   int64  `json:"amount" minimum:"0" doc:"In minor units as ISO 4217 defines them: 1999 EUR is 19.99 euros." example:"1999"`
	Currency string `json:"currency" minLength:"3" maxLength:"3" doc:"ISO 4217 code of a currency in use." example:"EUR"`
}

// Address is where a parcel goes.
type Address struct {
	Name       string `json:"name" minLength:"1" maxLength:"200" doc:"Who receives it." example:"Ada Lovelace"`
	Line1      string `json:"line1" minLength:"1" maxLength:"200" doc:"Street and number." example:"12 St James's Square"`
	Line2      string `json:"line2,omitempty" maxLength:"200" doc:"More of it, if need be." example:"Second floor"`
	City       string `json:"city" minLength:"1" maxLength:"200" doc:"The town." example:"London"`
	PostalCode string `json:"postalCode" minLength:"1" maxLength:"32" doc:"As the country writes it." example:"SW1Y 4JH"`
	Country    string `json:"country" minLength:"2" maxLength:"2" doc:"ISO 3166-1 alpha-2 code." example:"GB"`
}

// Payment is how an order is paid.
type Payment struct {
	Method string `json:"method" enum:"card" doc:"The only method there is." example:"card"`
	Token  string `json:"token" minLength:"1" maxLength:"200" writeOnly:"true" doc:"Stands for the card at the payment provider. It is never shown again." example:"tok_ok"`
}

func (n NewOrder) verb() order.Place {
	lines := make([]order.Line, len(n.Lines))
	for i, l := range n.Lines {
		lines[i] = order.Line{SKU: l.SKU, Name: l.Name, Quantity: l.Quantity, UnitPrice: order.Money(l.UnitPrice)}
	}
	return order.Place{
		Customer: order.Customer(n.Customer), Lines: lines,
		ShippingAddress: order.Address(n.ShippingAddress), Payment: order.Payment(n.Payment),
	}
}

// Resolve says what the schema cannot.
func (n NewOrder) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	return wrong(prefix, n.verb().Validate())
}

// OrderPath names an order. It is exported because the fields of an embedded type are set only then.
type OrderPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" doc:"The order's id." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
}

type cancelInput struct {
	OrderPath
	server.Post
	Body Cancellation
}

// Cancellation is a request for an order to be stopped.
type Cancellation struct {
	RequestedBy string `json:"requestedBy,omitempty" enum:"customer,operator" default:"customer" doc:"Who asks." example:"customer"`
	Reason      string `json:"reason" minLength:"1" maxLength:"500" doc:"Why. It is told to the customer." example:"ordered twice by mistake"`
}

func (c Cancellation) verb() order.Cancel {
	return order.Cancel{RequestedBy: order.RequestedBy(c.RequestedBy), Reason: c.Reason}
}

// Resolve says what the schema cannot.
func (c Cancellation) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	return wrong(prefix, c.verb().Validate())
}

type resolveInput struct {
	OrderPath
	server.Post
	Body Resolution
}

// Resolution is an operator's word on an order.
type Resolution struct {
	Outcome    string `json:"outcome" enum:"completed,cancelled" doc:"Which of the two ends was brought about by hand." example:"cancelled"`
	ResolvedBy string `json:"resolvedBy" minLength:"1" maxLength:"200" doc:"Who settled it." example:"night shift"`
	Reason     string `json:"reason" minLength:"1" maxLength:"500" doc:"How, for whoever asks later." example:"refunded by bank transfer"`
}

func (r Resolution) verb() order.Resolve {
	return order.Resolve{Outcome: order.Outcome(r.Outcome), ResolvedBy: r.ResolvedBy, Reason: r.Reason}
}

// Resolve says what the schema cannot.
func (r Resolution) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	return wrong(prefix, r.verb().Validate())
}

type listInput struct {
	Status    string `query:"status" enum:"placed,authorized,reserved,shipped,completed,cancelling,cancelled" doc:"Only orders of this status."`
	Customer  string `query:"customer" maxLength:"200" doc:"Only orders of the customer with this id."`
	Attention yesNo  `query:"attention" enum:"true,false" doc:"Only orders that a person must look at (true), or only those that nobody need (false)."`
	Overdue   yesNo  `query:"overdue" enum:"true,false" doc:"Only orders whose next step is past its time (true), or only those where none is (false)."`
	Limit     int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many orders a page has at most."`
	Cursor    string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before; without it the first page is shown."`
}

// yesNo is "true", "false", or empty where it was not asked for. A bool could not be left out.
type yesNo string

func (y yesNo) asked() *bool {
	if y == "" {
		return nil
	}
	return new(y == "true")
}

// place reads a cursor of the list; it is nil for the first page. The error is a problem to be returned.
func (f filter) place(cursor string) (any, error) {
	if cursor == "" {
		return nil, nil
	}
	if f.byDue() {
		var at duePlace
		err := server.DecodeCursor(cursor, &at)
		return at, err
	}
	var at place
	err := server.DecodeCursor(cursor, &at)
	return at, err
}

// wrong are the fields that the schema has let through: what it states itself, it has told already.
func wrong(prefix *huma.PathBuffer, fields []order.Wrong) (errs []error) {
	for _, f := range fields {
		if !f.Plain {
			errs = append(errs, &huma.ErrorDetail{Location: prefix.String() + "." + f.Field, Message: f.Message})
		}
	}
	return errs
}
