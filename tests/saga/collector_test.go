package saga

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	v1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// spanCollector takes the spans of all services by OTLP over HTTP, and keeps them.
type spanCollector struct {
	url string

	mu    sync.Mutex
	spans []span
	// texts are the requests as JSON, whole: what is in them may have been meant for nobody.
	texts [][]byte
}

// span is a span and who recorded it.
type span struct {
	service string
	*v1.Span
}

func startCollector(t *testing.T) *spanCollector {
	t.Helper()
	c := &spanCollector{}
	server := httptest.NewServer(http.HandlerFunc(c.take))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *spanCollector) take(w http.ResponseWriter, r *http.Request) {
	request, err := decodeSpans(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, err := protojson.Marshal(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := proto.Marshal(&collector.ExportTraceServiceResponse{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	c.keep(request, text)
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(answer) // who is gone sends it again
}

func decodeSpans(r *http.Request) (*collector.ExportTraceServiceRequest, error) {
	from := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(from)
		if err != nil {
			return nil, err
		}
		from = unzipped
	}
	body, err := io.ReadAll(from)
	if err != nil {
		return nil, err
	}
	request := &collector.ExportTraceServiceRequest{}
	return request, proto.Unmarshal(body, request)
}

func (c *spanCollector) keep(request *collector.ExportTraceServiceRequest, text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts = append(c.texts, text)
	for _, resource := range request.GetResourceSpans() {
		service := ""
		for _, a := range resource.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, span{service, s})
			}
		}
	}
}

// all are the spans that have been taken so far, each once.
func (c *spanCollector) all() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]bool{}
	var all []span
	for _, s := range c.spans {
		if id := string(s.GetTraceId()) + string(s.GetSpanId()); !seen[id] {
			seen[id] = true
			all = append(all, s)
		}
	}
	return all
}

func (s span) trace() string { return hex.EncodeToString(s.GetTraceId()) }

// attribute is the text of one of the span's attributes, empty where it has none of that name.
func (s span) attribute(name string) string {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == name {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}
