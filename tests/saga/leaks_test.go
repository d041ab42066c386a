package saga

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"waybill.dev/cmd/waybill/ways"
)

// private is what no log line, metric or span may hold, in lower case: the beginning of every payment token, and parts
// of the customer's name, mail address and street that stand nowhere else.
func private() []string {
	_, domain, _ := strings.Cut(ways.Customer.Email, "@")
	_, surname, _ := strings.Cut(ways.Customer.Name, " ")
	return []string{"tok_", strings.ToLower(domain), strings.ToLower(surname), strings.ToLower(strings.Fields(ways.Customer.Street)[1])}
}

// checkLeaks looks for what is private in a text.
func checkLeaks(t *testing.T, where string, text []byte) {
	t.Helper()
	lower := bytes.ToLower(text)
	for _, secret := range private() {
		if i := bytes.Index(lower, []byte(secret)); i >= 0 {
			t.Errorf("%s: %q stands in …%s…", where, secret, text[max(0, i-300):min(len(text), i+200)])
		}
	}
}

// readMetrics is the metrics page of a process.
func readMetrics(t *testing.T, url string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || len(page) == 0 {
		t.Errorf("%s: metrics: %s, %d bytes", url, answer.Status, len(page))
	}
	return page
}
