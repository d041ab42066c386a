package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/swaggest/swgui/v5emb"

	"waybill.dev/contracts"
	"waybill.dev/platform/failure"
)

// A name in another spelling would be let through unchecked beside the right one, and decoded into the same field.
// huma knows this setting as a variable of its package alone, which nothing may write once requests are served.
func init() { huma.ValidateStrictCasing = true } //nolint:gochecknoinits // huma has no other place for it

// handler is the service's HTTP interface: its own routes, and those that every service has.
func (s *Server) handler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = s.handleError
	edge := newEdge(s)
	e.Use(edge.observe, edge.recover, edge.check)

	api := humaecho.New(e, s.apiConfig())
	api.UseMiddleware(refuseUnknownQuery(api))
	if s.service.Routes != nil {
		s.service.Routes(api, s.app)
	}
	s.parkedRoute(api)
	describeErrors(api.OpenAPI())

	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "live"}) })
	e.GET("/readyz", s.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.app.Logger.Handler(), slog.LevelWarn),
	})))
	docs := echo.WrapHandler(v5emb.New(s.title(), "/openapi.json", "/docs"))
	e.GET("/docs", docs)
	e.GET("/docs/*", docs)
	return headAsGet(e)
}

func (s *Server) title() string { return "Waybill " + s.service.Name }

// apiConfig is huma's configuration without what it would add to our bodies ($schema) and load from elsewhere (its
// documentation page).
func (s *Server) apiConfig() huma.Config {
	config := huma.DefaultConfig(s.title(), "1.0.0")
	config.Info.Description = s.service.Doc
	config.DocsPath = ""
	config.SchemasPath = ""
	config.CreateHooks = nil
	config.Transformers = []huma.Transformer{s.finishProblem}
	config.OnAddOperation = append(config.OnAddOperation, addHeaders)
	return config
}

// addHeaders documents the headers that every operation takes.
func addHeaders(_ *huma.OpenAPI, operation *huma.Operation) {
	longest := 128
	operation.Parameters = append(operation.Parameters,
		&huma.Param{Name: headerTenant, In: "header", Description: "Whose data it is; `default` without it.",
			Schema: &huma.Schema{Type: huma.TypeString, Pattern: contracts.TenantPattern, Default: DefaultTenant}},
		&huma.Param{Name: headerCorrelation, In: "header", Description: "Names the request in every event and log line that follows from it; made where it is missing, and always returned.",
			Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longest}},
	)
}

// describeErrors takes out of the documentation what finishProblem takes out of the errors.
func describeErrors(api *huma.OpenAPI) {
	if detail := api.Components.Schemas.Map()["ErrorDetail"]; detail != nil {
		delete(detail.Properties, "value")
	}
}

// headAsGet lets HEAD be asked of whatever GET is. The body is left out by net/http, which still sees the HEAD.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			asGet := *r
			asGet.Method = http.MethodGet
			r = &asGet
		}
		next.ServeHTTP(w, r)
	})
}

// handleError tells errors that no operation of huma's has told: those of the router and the middleware.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, detail := http.StatusInternalServerError, ""
	problem := &huma.ErrorModel{}
	var routed *echo.HTTPError
	var headers huma.HeadersError
	if errors.As(err, &headers) {
		for name, values := range headers.GetHeaders() {
			c.Response().Header()[name] = values
		}
	}
	switch {
	case errors.As(err, &problem):
		status, detail = problem.Status, problem.Detail
	case errors.As(err, &routed):
		status = routed.Code
	}
	told := &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail, Errors: problem.Errors}
	if status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable {
		s.app.Logger.ErrorContext(c.Request().Context(), "a request failed", "error", err, "stack", failure.Stack(err))
		told.Detail, told.Errors = "", nil
	}
	finish(told, exchangeFrom(c.Request().Context()).CorrelationID)
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	c.Response().WriteHeader(status)
	if err := huma.DefaultJSONFormat.Marshal(c.Response(), told); err != nil {
		s.app.Logger.DebugContext(c.Request().Context(), "an error could not be told", "error", err)
	}
}

// finishProblem sees each error of huma's before it is told. What failed within is logged, and told without
// detail.
func (s *Server) finishProblem(ctx huma.Context, _ string, v any) (any, error) {
	problem, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	told := *problem
	if told.Status >= http.StatusInternalServerError && told.Status != http.StatusServiceUnavailable {
		s.app.Logger.ErrorContext(ctx.Context(), "a request failed", "detail", told.Detail, "errors", messages(told.Errors))
		told.Detail, told.Errors = "", nil
	}
	finish(&told, exchangeFrom(ctx.Context()).CorrelationID)
	return &told, nil
}

// finish names the request, and leaves out what the caller sent: it may be a payment token or an address, and
// errors are kept in logs.
func finish(problem *huma.ErrorModel, correlationID string) {
	if correlationID != "" {
		problem.Instance = "urn:waybill:correlation:" + url.PathEscape(correlationID)
	}
	details := make([]*huma.ErrorDetail, 0, min(len(problem.Errors), mostDetails+1))
	for i, d := range problem.Errors {
		if i == mostDetails {
			details = append(details, &huma.ErrorDetail{Message: fmt.Sprintf("and %d more", len(problem.Errors)-i)})
			break
		}
		if d != nil {
			details = append(details, &huma.ErrorDetail{Location: cut(d.Location), Message: cut(withoutValue(d.Message))})
		}
	}
	problem.Errors = details
}

const (
	// mostDetails are told of an error: enough for every field of a good request. A bad one may hold as many names as it
	// has bytes, and each would be told.
	mostDetails = 100
	// longestDetail is far more than a place or a rule of ours has, in bytes: a name in a request may be anything at all.
	longestDetail = 300
)

// cut cuts what is too long.
func cut(s string) string {
	if len(s) <= longestDetail {
		return s
	}
	return strings.ToValidUTF8(s[:longestDetail], "") + "…"
}

func messages(details []*huma.ErrorDetail) []string {
	var list []string
	for _, d := range details {
		if d != nil {
			list = append(list, d.Message)
		}
	}
	return list
}
