package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"waybill.dev/contracts"
	"waybill.dev/platform/clock"
	"waybill.dev/platform/failure"
)

const (
	headerTenant      = "X-Tenant-ID"
	headerCorrelation = "X-Correlation-ID"
	headerIdempotency = "Idempotency-Key"

	maxBody        = 1 << 20
	maxCorrelation = 128
	maxIdempotency = 255
)

// edge is what every request passes before it meets its handler.
type edge struct {
	server   *Server
	duration *prometheus.HistogramVec
}

func newEdge(s *Server) *edge {
	e := &edge{server: s, duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "How long a request took, by route and status.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route", "status"})}
	s.registry.MustRegister(e.duration)
	return e
}

// observe gives the request its name and its trace, and says afterwards what became of it. Neither the query nor
// a body is ever written down.
func (e *edge) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := clock.Monotonic()
		x := &exchange{method: method(c.Request()), path: c.Request().URL.Path}
		x.At = clock.Now().UTC()
		x.RequestID = uuid.Must(uuid.NewV7()).String()
		x.Tenant = DefaultTenant
		x.CorrelationID = x.RequestID
		if given := c.Request().Header.Values(headerCorrelation); len(given) == 1 && printable(given[0], maxCorrelation) {
			x.CorrelationID = given[0]
		}
		if given := c.Request().Header.Values(headerTenant); len(given) == 1 && contracts.IsTenant(given[0]) {
			x.Tenant = given[0]
		}
		x.scope = &scope{correlationID: x.CorrelationID, tenant: x.Tenant}
		for _, name := range []string{"orderId", "id"} {
			x.scope.about(c.Param(name))
		}
		c.Response().Header().Set(headerCorrelation, x.CorrelationID)

		// Who asks how the service is doing asks every few seconds, and belongs to no order's trace.
		if operational(c.Path()) {
			c.SetRequest(c.Request().WithContext(withExchange(c.Request().Context(), x)))
			return next(c)
		}
		ctx := propagation.TraceContext{}.Extract(c.Request().Context(), propagation.HeaderCarrier(c.Request().Header))
		ctx, span := e.server.app.Tracer.Start(ctx, x.method+" "+route(c), trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", x.method), attribute.String("http.route", route(c)),
				attribute.String("waybill.tenant", x.Tenant), attribute.String("waybill.correlation_id", x.CorrelationID)))
		defer span.End()
		c.SetRequest(c.Request().WithContext(withExchange(ctx, x)))

		if err := next(c); err != nil {
			c.Error(err)
		}
		status, took := c.Response().Status, time.Since(began)
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		level := slog.LevelInfo
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
			level = slog.LevelWarn
		}
		e.duration.WithLabelValues(x.method, route(c), strconv.Itoa(status)).Observe(took.Seconds())
		e.server.app.Logger.LogAttrs(c.Request().Context(), level, "request", slog.String("method", x.method),
			slog.String("route", route(c)), slog.Int("status", status), slog.Duration("took", took), slog.String("request", x.RequestID))
		return nil
	}
}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return withScope(context.WithValue(ctx, exchangeKey{}, x), x.scope)
}

// method is the request's, where it is one of HTTP's own. Any other may be anything at all, and is not kept.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	}
	return "other"
}

// route is the pattern that the request matched. A path that matched none is anything at all, and is not kept.
func route(c echo.Context) string {
	if c.Path() == "" {
		return "unmatched"
	}
	return c.Path()
}

// operational says whether the route is about the service and not about what it does.
func operational(path string) bool {
	switch path {
	case "/healthz", "/readyz", "/metrics":
		return true
	}
	return strings.HasPrefix(path, "/docs") || strings.HasPrefix(path, "/openapi")
}

// recover answers a panic as an unexpected error.
func (e *edge) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if cut, isError := p.(error); isError && errors.Is(cut, http.ErrAbortHandler) {
				panic(p) // the way to cut a connection
			}
			if p != nil {
				err = failure.FromPanic(p)
			}
		}()
		return next(c)
	}
}

// check refuses what no handler should have to think of, before any of them sees the request.
func (e *edge) check(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		var wrong []error
		complain := func(location, message string) {
			wrong = append(wrong, &huma.ErrorDetail{Location: location, Message: message})
		}
		checkHeaders(r.Header, complain)
		decodePath(c)
		if bad := badText(r.URL.Path); bad != "" {
			complain("path", bad)
		}
		if query, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			complain("query", "is malformed")
		} else {
			for name, values := range query {
				if bad := badText(name); bad != "" {
					complain("query", "a name "+bad)
				} else if bad := badText(strings.Join(values, "")); bad != "" {
					complain("query."+name, bad)
				}
			}
		}
		if len(wrong) > 0 {
			return huma.NewError(http.StatusBadRequest, "the request is malformed", wrong...)
		}
		if err := readBody(c); err != nil {
			return err
		}
		return next(c)
	}
}

// decodePath decodes the path's parameters: the router takes them as they were sent where that is not how Go would
// have sent them.
func decodePath(c echo.Context) {
	if c.Request().URL.RawPath == "" {
		return
	}
	values := slices.Clone(c.ParamValues())
	for i, v := range values {
		if decoded, err := url.PathUnescape(v); err == nil { // net/http has refused a path that cannot be decoded
			values[i] = decoded
		}
	}
	c.SetParamValues(values...)
}

func checkHeaders(header http.Header, complain func(location, message string)) {
	for name, values := range header {
		if bad := badText(strings.Join(values, "")); bad != "" {
			complain("header."+name, bad)
		}
	}
	one := func(name, rule string, ok func(string) bool) {
		if values := header.Values(name); len(values) > 1 {
			complain("header."+name, "stands more than once")
		} else if len(values) == 1 && badText(values[0]) == "" && !ok(values[0]) {
			complain("header."+name, rule)
		}
	}
	one(headerTenant, "must be 1 to 63 of a-z, 0-9 and -", contracts.IsTenant)
	one(headerCorrelation, "must be 1 to 128 printable ASCII characters", func(v string) bool { return printable(v, maxCorrelation) })
	one(headerIdempotency, "must be 1 to 255 printable ASCII characters", func(v string) bool { return printable(v, maxIdempotency) })
}

func printable(s string, longest int) bool {
	for _, b := range []byte(s) {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return s != "" && len(s) <= longest
}

// readBody reads the body once: its text is checked, its sum is kept for idempotency, and the handler reads it
// again.
func readBody(c echo.Context) error {
	r := c.Request()
	if r.Body == nil || r.Body == http.NoBody || r.Method == http.MethodGet {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return huma.NewError(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody))
	case err != nil:
		return huma.NewError(http.StatusBadRequest, "the body could not be read to its end")
	}
	if len(body) > 0 {
		if !isJSON(r.Header) {
			return huma.NewError(http.StatusUnsupportedMediaType, "the body must be application/json, in UTF-8",
				&huma.ErrorDetail{Location: "header.Content-Type", Message: "must be application/json"})
		}
		if bad := checkJSONText(body); bad != nil {
			return huma.NewError(http.StatusBadRequest, "the request is malformed",
				&huma.ErrorDetail{Location: bad.location, Message: bad.message})
		}
	}
	x := exchangeFrom(r.Context())
	x.body, x.bodySHA256 = body, sha256.Sum256(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

func isJSON(header http.Header) bool {
	if header.Get("Content-Encoding") != "" && !strings.EqualFold(header.Get("Content-Encoding"), "identity") {
		return false
	}
	kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset, given := parameters["charset"]
	return err == nil && kind == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}
