package world

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/server"
	"waybill.dev/services/inventory/stock"
)

// shelvesPerOrder is how many SKUs an order of a world is about at most.
const shelvesPerOrder = 3

// template is an order that was really decided, as texts.
type template struct {
	way    Way
	tenant string
	// order is the index of the order's id among the names, ids are all of them as they were.
	order int
	ids   []string
	// rows are lines of COPY by the tables that they stand in, "orders.events"; a stock's fact lacks its version.
	rows map[string][]text
	// shelf are what the order did to stocks, in order.
	shelf []shelfFact
	// records are its messages in the order of their publication.
	records []record
	// journals are lines of the provider's and the carrier's books.
	journals map[string][]text
}

type shelfFact struct {
	sku   int
	event stock.Event
	// before and after stand around the version.
	before, after text
}

type record struct {
	topic   string
	key     text
	headers []header
	value   text
}

type header struct {
	name  string
	value text
}

// templates decide each way's orders.
func templates(ctx context.Context, services map[string]server.Service, o *outside, ways []Way) ([]template, error) {
	var all []template
	for w, way := range ways {
		for variant := range max(1, way.Variants) {
			var random *rand.Rand
			if variant > 0 {
				random = rand.New(rand.NewPCG(uint64(w), uint64(variant)))
			}
			t, err := newTemplate(ctx, newEngine(services, o, random), way)
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
	}
	return all, nil
}

func newTemplate(ctx context.Context, e *engine, way Way) (template, error) {
	o := e.outside
	_, provider, err := o.journal(suite.Provider, providerJournal, 0)
	if err != nil {
		return template{}, err
	}
	_, carrier, err := o.journal(suite.Carrier, carrierJournal, 0)
	if err != nil {
		return template{}, err
	}
	n := &names{index: map[string]int{}, began: now()}
	w, err := walkWay(ctx, e, way)
	if err != nil {
		return template{}, err
	}
	t := template{way: way, tenant: w.tenant, order: n.of(w.id), rows: map[string][]text{}, journals: map[string][]text{}}
	for _, add := range []func(*names, *walk) error{t.addFacts, t.addHeard, t.addProjections, t.addRecords} {
		if err := add(n, w); err != nil {
			return template{}, err
		}
	}
	for simulator, from := range map[string]struct {
		name  string
		after int
	}{suite.Provider: {providerJournal, provider}, suite.Carrier: {carrierJournal, carrier}} {
		lines, _, err := o.journal(simulator, from.name, from.after)
		if err != nil {
			return template{}, err
		}
		for _, line := range lines {
			if line == "" {
				continue
			}
			parsed, err := n.parse(line + "\n")
			if err != nil {
				return template{}, err
			}
			t.journals[simulator] = append(t.journals[simulator], parsed)
		}
	}
	t.ids = n.all
	return t, nil
}

func (t *template) addFacts(n *names, w *walk) error {
	for _, f := range w.facts {
		data, err := json.Marshal(f.Event)
		if err != nil {
			return err
		}
		stream, rest := f.Stream.String(), []string{
			f.ID, f.Event.Kind(), string(data), stamp(f.At), f.CorrelationID, f.CausationID, f.TraceParent,
		}
		if event, ok := f.Event.(stock.Event); ok {
			before, err := n.parse(copyLine(stream) + "\t")
			if err != nil {
				return err
			}
			after, err := n.parse("\t" + copyLine(rest...) + "\n")
			if err != nil {
				return err
			}
			sku, err := strconv.Atoi(strings.TrimPrefix(f.Stream.ID, skuPrefix))
			if err != nil {
				return fmt.Errorf("stock %s: %w", f.Stream, err)
			}
			t.shelf = append(t.shelf, shelfFact{sku, event, before, after})
			continue
		}
		version := strconv.FormatInt(f.Version, 10)
		if err := t.addRow(n, f.service+".events", append([]string{stream, version}, rest...)...); err != nil {
			return err
		}
		if f.Version == 1 {
			err := t.addRow(n, f.service+".streams", stream, f.Stream.Tenant, f.Stream.Category, f.Stream.ID, stamp(f.At))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *template) addHeard(n *names, w *walk) error {
	for _, h := range w.heard {
		if err := t.addRow(n, h.service+".inbox", h.message); err != nil {
			return err
		}
	}
	return nil
}

// addProjections adds the rows that the read models came to at last; those of shelves are the world's own.
func (t *template) addProjections(n *names, w *walk) error {
	rows := map[string][]string{}
	for _, p := range w.projected {
		table := p.service + "." + map[string]string{suite.Orders: "orders", suite.Shipping: "open_parcels"}[p.service]
		switch {
		case p.service == suite.Inventory:
		case strings.HasPrefix(p.sql, "DELETE"):
			delete(rows, table)
		default:
			rows[table] = firstOf(p.arguments)
			if p.service == suite.Shipping {
				rows[table] = append(rows[table], "0") // never polled
			}
		}
	}
	for table, fields := range rows {
		if err := t.addRow(n, table, fields...); err != nil {
			return err
		}
	}
	return nil
}

func (t *template) addRecords(n *names, w *walk) error {
	for _, s := range w.said {
		encoded, err := s.Encode()
		if err != nil {
			return err
		}
		r := record{topic: encoded.Topic}
		if r.key, err = n.parse(encoded.Key); err != nil {
			return err
		}
		if r.value, err = n.parse(string(encoded.Value)); err != nil {
			return err
		}
		for name, value := range encoded.Headers {
			parsed, err := n.parse(value)
			if err != nil {
				return err
			}
			r.headers = append(r.headers, header{name, parsed})
		}
		slices.SortFunc(r.headers, func(a, b header) int { return strings.Compare(a.name, b.name) })
		t.records = append(t.records, r)
	}
	return nil
}

func (t *template) addRow(n *names, table string, fields ...string) error {
	row, err := n.parse(copyLine(fields...) + "\n")
	t.rows[table] = append(t.rows[table], row)
	return err
}

const null = "\x00null"

var copyEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// copyLine is the fields as COPY reads them.
func copyLine(fields ...string) string {
	escaped := make([]string, len(fields))
	for i, f := range fields {
		if f == null {
			escaped[i] = `\N`
			continue
		}
		escaped[i] = copyEscapes.Replace(f)
	}
	return strings.Join(escaped, "\t")
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// firstOf are the first elements of the arrays that a statement was given.
func firstOf(arguments []any) []string {
	var fields []string
	for _, a := range arguments {
		switch values := a.(type) {
		case []string:
			fields = append(fields, values[0])
		case []int64:
			fields = append(fields, strconv.FormatInt(values[0], 10))
		case []time.Time:
			fields = append(fields, stamp(values[0]))
		case []*string:
			fields = append(fields, null)
			if values[0] != nil {
				fields[len(fields)-1] = *values[0]
			}
		case []*time.Time:
			fields = append(fields, null)
			if values[0] != nil {
				fields[len(fields)-1] = stamp(*values[0])
			}
		}
	}
	return fields
}
