package world

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// text is a row or a record in which the ids, the times and the SKUs are an order's own.
type text []part

// part is literal text, and then what stands for this order: one of its names, a time, or an SKU.
type part struct {
	literal string
	kind    partKind
	// index is the name's or the SKU's.
	index int
	// after is how long after the order's beginning the time was.
	after time.Duration
}

type partKind int

const (
	partNone partKind = iota
	partName
	partTime
	partSKU
)

// own finds what is an order's own: UUIDs, the names that the provider and the carrier give, times, and SKUs.
var own = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}` +
	`|(?:pay|cap|void|ref|bkg)_[a-z0-9]{20,}|SP[A-Z0-9]{16}` +
	`|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|TEMPLATE-SKU-\d`)

const skuPrefix = "TEMPLATE-SKU-"

func templateSKU(i int) string { return skuPrefix + strconv.Itoa(i) }

// names are the distinct names of an order, in the order in which they are met.
type names struct {
	index map[string]int
	all   []string
	began time.Time
}

// parse takes a text apart.
func (n *names) parse(s string) (text, error) {
	var t text
	for s != "" {
		at := own.FindStringIndex(s)
		if at == nil {
			return append(t, part{literal: s}), nil
		}
		p := part{literal: s[:at[0]]}
		switch found := s[at[0]:at[1]]; {
		case strings.HasPrefix(found, skuPrefix):
			p.kind, p.index = partSKU, int(found[len(found)-1]-'0')
		case strings.HasSuffix(found, "Z") && strings.Contains(found, "T") && strings.Contains(found, ":"):
			moment, err := time.Parse(time.RFC3339Nano, found)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", found, err)
			}
			p.kind, p.after = partTime, moment.Sub(n.began)
		default:
			p.kind, p.index = partName, n.of(found)
		}
		t, s = append(t, p), s[at[1]:]
	}
	return t, nil
}

func (n *names) of(name string) int {
	i, ok := n.index[name]
	if !ok {
		i = len(n.all)
		n.index[name], n.all = i, append(n.all, name)
	}
	return i
}

// one is an order of a world: what stands in the place of the template's own.
type one struct {
	names []string
	skus  [shelvesPerOrder]string
	began time.Time
}

// appendTo writes the text for an order.
func (t text) appendTo(to []byte, o *one) []byte {
	for _, p := range t {
		to = append(to, p.literal...)
		switch p.kind {
		case partName:
			to = append(to, o.names[p.index]...)
		case partTime:
			to = o.began.Add(p.after).AppendFormat(to, time.RFC3339Nano)
		case partSKU:
			to = append(to, o.skus[p.index]...)
		case partNone:
		}
	}
	return to
}
