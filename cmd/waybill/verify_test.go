package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"waybill.dev/cmd/waybill/suite"
)

// What is named goes before what the suite tells.
func TestVerifyTakesWhatIsNamed(t *testing.T) {
	t.Parallel()
	running := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(suite.Description{
			Services: map[string]string{}, KafkaBrokers: []string{"suite:1"}, PublishPrefix: "suite-",
			Simulators: map[string]string{suite.Provider: "http://provider", suite.Carrier: "http://carrier"},
		})
	}))
	t.Cleanup(running.Close)
	for _, c := range []struct {
		kafka  []string
		prefix string

		wantKafka  []string
		wantPrefix string
	}{
		{nil, "", []string{"suite:1"}, "suite-"},
		{nil, "mine-", []string{"suite:1"}, "mine-"},
		{[]string{"mine:1"}, "", []string{"mine:1"}, ""},
		{[]string{"mine:1"}, "mine-", []string{"mine:1"}, "mine-"},
	} {
		command := verifyCommand{onSuite: onSuite{Suite: running.URL}, onKafka: onKafka{c.kafka, c.prefix}, Auditor: "postgres://auditor"}
		s, err := command.sources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.Brokers, c.wantKafka) || s.Prefix != c.wantPrefix {
			t.Errorf("--kafka %v --prefix %q: it reads %v, %q; want %v, %q", c.kafka, c.prefix, s.Brokers, s.Prefix, c.wantKafka, c.wantPrefix)
		}
		if s.Provider != "http://provider" || s.Databases[suite.Orders] != "postgres://auditor" {
			t.Errorf("provider %q, databases %v", s.Provider, s.Databases)
		}
	}
}
