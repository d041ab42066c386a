package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// ErrRejected says that the other side does not understand or allow the request. That is a fault of ours or of the
// configuration, and no refusal of what was asked for, so that asking again is right once it is mended.
var ErrRejected = errors.New("the request is rejected")

const (
	// maximalAnswer is far more than an answer has, maximalHeader than its head, in bytes.
	maximalAnswer, maximalHeader = 64 << 10, 64 << 10
	// idleConnections are for the jobs that ask at the same time.
	idleConnections = 64
)

// HTTP is a system that speaks JSON over HTTP.
type HTTP struct {
	base   string
	client *http.Client
}

// NewHTTP is the system at an absolute http or https URL. The error names the variable that it was configured by.
func NewHTTP(variable, base string) (*HTTP, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s: %q is no http or https URL", variable, base)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = idleConnections, idleConnections
	// What dials or shakes hands goes on when its call is over, for the next one; not for longer than that.
	transport.DialContext = (&net.Dialer{Timeout: CallTimeout}).DialContext
	transport.TLSHandshakeTimeout = CallTimeout
	transport.MaxResponseHeaderBytes = maximalHeader
	transport.DisableCompression = true
	// A connection that has gone silent ends with the call that has waited for it. By HTTP/2 all calls would share one,
	// until the machine gives it up.
	transport.Protocols = &http.Protocols{}
	transport.Protocols.SetHTTP1(true)
	return &HTTP{
		base: strings.TrimSuffix(u.String(), "/"),
		client: &http.Client{
			Transport: transport,
			Timeout:   CallTimeout,
			// What is secret in a request is not carried to wherever an answer points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Post asks, under an idempotency key, for what the body says. An error is ErrUnknown, unless the request cannot be
// made; no error tells the body.
func (h *HTTP) Post(ctx context.Context, path, key string, body any) (Answer, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return Answer{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+path, bytes.NewReader(encoded))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	return h.do(request)
}

// Get looks something up. Its errors are those of Post.
func (h *HTTP) Get(ctx context.Context, path string) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+path, http.NoBody)
	if err != nil {
		return Answer{}, err
	}
	return h.do(request)
}

func (h *HTTP) do(request *http.Request) (Answer, error) {
	propagation.TraceContext{}.Inject(request.Context(), propagation.HeaderCarrier(request.Header))
	response, err := h.client.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	defer response.Body.Close()
	// A refusal that breaks off has not been told: its code decides.
	body, err := io.ReadAll(io.LimitReader(response.Body, maximalAnswer))
	if err != nil {
		return Answer{}, fmt.Errorf("%w: status %d, and the answer breaks off: %w", ErrUnknown, response.StatusCode, err)
	}
	return NewAnswer(response.StatusCode, body), nil
}

// NewAnswer is an answer of this status and body.
func NewAnswer(status int, body []byte) Answer {
	a := Answer{Status: status, body: body}
	var said struct{ Code string }
	if a.Read(&said) == nil && aCode.MatchString(said.Code) {
		a.Code = said.Code
	}
	return a
}

// aCode is what may go into events and logs as a code.
var aCode = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// Answer is what a system has said.
type Answer struct {
	Status int
	// Code is the machine-readable reason of whatever is not a 2xx: its member "code". It is fit for events and logs,
	// and empty where there is none that is.
	Code string
	body []byte
}

// OK says whether it was done.
func (a Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// Read reads the body.
func (a Answer) Read(into any) error { return json.Unmarshal(a.body, into) }

// Undecided is the error of an answer that decides nothing. What is not certain is ErrUnknown: it was done, and not
// told what; or the other side cannot answer now. All else is ErrRejected.
func (a Answer) Undecided() error {
	switch {
	case a.OK():
		return fmt.Errorf("%w: status %d without a result", ErrUnknown, a.Status)
	case a.Status == http.StatusTooManyRequests || a.Status == http.StatusRequestTimeout || a.Status >= 500:
		return fmt.Errorf("%w: status %d", ErrUnknown, a.Status)
	case a.Code != "":
		return fmt.Errorf("%w: status %d, %s", ErrRejected, a.Status, a.Code)
	}
	return fmt.Errorf("%w: status %d", ErrRejected, a.Status)
}
