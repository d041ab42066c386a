package saga

import (
	"slices"
	"strings"
	"testing"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/ways"
	"waybill.dev/contracts"
)

// checkTraces holds the spans of the orders of these walks, which nobody has touched but who placed them, against what
// was said of them: each order has one trace, from its request to its last mail, without a hole.
func (s *testSuite) checkTraces(t *testing.T, spans []span, walks []*ways.Walk) {
	t.Helper()
	byMessage, ids := map[string][]span{}, map[string]bool{}
	byTrace := map[string][]span{}
	for _, sp := range spans {
		ids[string(sp.GetSpanId())] = true
		byTrace[sp.trace()] = append(byTrace[sp.trace()], sp)
		if id := sp.attribute("messaging.message.id"); id != "" {
			byMessage[id] = append(byMessage[id], sp)
		}
	}
	said := map[string][]message{}
	for _, m := range firstCopies(t, s.readTopics(t, s.config.PublishPrefix, contracts.Topics())) {
		said[m.Subject] = append(said[m.Subject], m)
	}
	for _, walk := range walks {
		messages := said[walk.Order]
		if len(messages) == 0 {
			t.Errorf("%s: nothing was said of it", walk.Way.Name)
			continue
		}
		trace := traceID(messages[0].TraceParent)
		for _, m := range messages {
			if len(byMessage[m.ID]) == 0 {
				t.Errorf("%s: no span tells of the message %s on %s", walk.Way.Name, m.ID, m.topic)
			}
			for _, sp := range byMessage[m.ID] {
				if sp.trace() != trace {
					t.Errorf("%s: %s of %s is in the trace %s, not in %s", walk.Way.Name, sp.GetName(), sp.service, sp.trace(), trace)
				}
			}
		}
		checkTrace(t, walk.Way, byTrace[trace], ids)
	}
}

// checkTrace: the trace begins with the request, has a span of every service, and every other span has its parent.
func checkTrace(t *testing.T, way ways.Way, spans []span, ids map[string]bool) {
	t.Helper()
	services, roots, mails := map[string]bool{}, 0, 0
	for _, sp := range spans {
		services[sp.service] = true
		switch {
		case len(sp.GetParentSpanId()) == 0:
			if roots++; sp.GetName() != "POST /v1/orders" {
				t.Errorf("%s: its trace begins with %s of %s", way.Name, sp.GetName(), sp.service)
			}
		case !ids[string(sp.GetParentSpanId())]:
			t.Errorf("%s: the parent of %s of %s is missing", way.Name, sp.GetName(), sp.service)
		}
		if sp.GetName() == "job notifications.send-mail" {
			mails++
		}
	}
	if roots != 1 {
		t.Errorf("%s: its trace begins %d times", way.Name, roots)
	}
	for _, service := range suite.ServiceNames() {
		if !services[service] {
			t.Errorf("%s: its trace has no span of %s", way.Name, service)
		}
	}
	if owed := len(strings.Fields(way.Want.Mails)); mails < owed {
		t.Errorf("%s: its trace has %d mails of %d", way.Name, mails, owed)
	}
}

// untouched are the walks on which people did nothing but place the order.
func untouched(walks []*ways.Walk) []*ways.Walk {
	return slices.DeleteFunc(slices.Clone(walks), func(w *ways.Walk) bool { return w.Way.Meanwhile != nil })
}
