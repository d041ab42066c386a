package verify

import (
	"hash/maphash"

	"waybill.dev/contracts"
)

// contentOf stands for what a message says: its body, and the headers that come from the fact and that nothing else is
// held against. The ids of the correlation and of the trace serve whoever looks for something, and are left out.
func (a *auditor) contentOf(event, at, cause string, body []byte) int64 {
	var h maphash.Hash
	h.SetSeed(a.spill.seed)
	for _, header := range []string{event, at, cause} {
		_, _ = h.WriteString(header)
		_ = h.WriteByte(0)
	}
	_, _ = h.Write(body)
	return int64(h.Sum64())
}

// checkContents: what stands on Kafka says what is published of its fact.
func (d *dossier) checkContents(a *auditor, due []contracts.Message) {
	expected := make(map[string]int64, len(due))
	for _, m := range due {
		r, err := m.Encode()
		if err != nil {
			d.find("%s cannot be said: %v", m.ID, err)
			continue
		}
		h := r.Headers
		expected[m.ID] = a.contentOf(h[contracts.HeaderType], h[contracts.HeaderTime], h[contracts.HeaderCausationID], r.Value)
	}
	for _, c := range d.copies {
		if content, known := expected[c.ID]; known && content != c.content {
			d.find("%s on %s does not say what its fact says", c.ID, c.topic)
		}
	}
}
