package verify

import (
	"fmt"
	"slices"
	"strings"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
)

// findUnread finds the messages that a service may not have read yet, and those that it has parked.
func (d *dossier) findUnread(a *auditor) {
	for _, c := range d.copies {
		for _, service := range suite.ServiceNames() {
			if a.kafka.read[service][c.partition] <= c.offset {
				d.Unread = append(d.Unread, audit.Unread{Service: service, ID: c.ID, Why: "it has read no further"})
			}
		}
	}
	for _, p := range d.parked {
		d.Unread = append(d.Unread, audit.Unread{Service: p.service, ID: p.message, Why: "it is parked"})
		// What Kafka has refused is parked by whoever said it.
		if slices.ContainsFunc(d.logged, func(l logged) bool { return l.service == p.service && l.ID == factOf(p.message) }) {
			d.Unsent = append(d.Unsent, p.message)
		}
	}
}

// factOf is the id of the fact that a message was made from: a fact's second message has its place behind it, as
// eventlog.Messages makes it.
func factOf(message string) string {
	id, _, _ := strings.Cut(message, ".")
	return id
}

// placeOf is where the fact stands that a message was made from.
func (d *dossier) placeOf(message string) position {
	for _, l := range d.logged {
		if l.ID == factOf(message) {
			return l.at
		}
	}
	return position{}
}

// wasHeard says whether any fact came of the message.
func (d *dossier) wasHeard(m contracts.Message) bool {
	return slices.ContainsFunc(d.logged, func(l logged) bool { return l.CausationID == m.ID })
}

// checkEffects: what a service noted of a message, it noted in one transaction.
func (d *dossier) checkEffects(due []contracts.Message) {
	first := map[string]logged{}
	for _, l := range d.logged {
		message := strings.HasPrefix(l.CausationID, "webhook:") ||
			slices.ContainsFunc(due, func(m contracts.Message) bool { return m.ID == l.CausationID && m.Source != "/waybill/"+l.service })
		if !message {
			continue // a request, a job or a look-up: whoever asks again may bring about more
		}
		effect := l.service + " " + l.CausationID
		before, ok := first[effect]
		if !ok {
			first[effect] = l
		} else if before.at.transaction != l.at.transaction {
			d.find("%s has handled %s twice: versions %d and %d stand in two transactions",
				l.service, l.CausationID, before.Version, l.Version)
		}
	}
}

// checkListed: each service lists the streams that it has facts of, and no others.
func (d *dossier) checkListed() {
	for _, service := range suite.ServiceNames() {
		has := slices.ContainsFunc(d.logged, func(l logged) bool { return l.service == service })
		if listed := slices.Contains(d.listed, service); has != listed {
			d.findOf(audit.RowsAgree, "%s has facts of it: %v, and lists its stream: %v", service, has, listed)
		}
	}
}

// conclude counts the order as what it is.
func (j *judge) conclude(d *dossier, v audit.Verdict, unproven int) {
	findings := append(v.Findings, d.findings...)
	if len(d.parked)+len(d.GivenUp)+len(d.Unsent) > 0 && len(findings)+len(d.logged)+len(d.copies)+len(d.Charges)+len(d.Parcels) == 0 {
		return // something was said of an order that there is not
	}
	// What is known of an order that changes under the audit's eyes is not of one moment.
	if d.news != "" {
		findings, v.InFlight = nil, append([]string{d.news}, v.InFlight...)
	}
	attention := v.Order.Attention()
	j.mu.Lock()
	defer j.mu.Unlock()
	r := &j.report
	j.count(&r.Orders)
	about := func(why string) Note { return Note{d.Tenant, d.Order, why} }
	switch {
	case len(findings) > 0:
		r.Violated++
		for _, f := range findings {
			r.find(f)
		}
	case len(d.parked) > 0:
		r.ParkedOrders++
		r.Waiting += int64(min(1, len(v.InFlight)))
	case len(v.InFlight) > 0:
		r.InFlight++
		r.Flights = list(r.Flights, about(strings.Join(v.InFlight, "; ")))
	case unproven > 0:
		r.NotProvable++
		r.Unproven = list(r.Unproven, about(fmt.Sprintf("%d of its messages are no longer kept by Kafka", unproven)))
	case attention != "":
		r.Attention++
		r.Attended = list(r.Attended, about(attention))
	case len(v.Left) > 0:
		r.Attention++
		r.Attended = list(r.Attended, about(fmt.Sprintf("it was settled by hand as %s, and %s", v.Order.Resolved.Outcome, strings.Join(v.Left, ", "))))
	default:
		r.OK++
	}
	for sku, n := range v.Holds {
		id := es.StreamID{Tenant: d.Tenant, Category: stock.Stocks.Name, ID: sku}
		if j.holds[id] == nil {
			j.holds[id] = map[string]int64{}
		}
		j.holds[id][d.Order] = n
	}
}
