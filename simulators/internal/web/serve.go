// Package web is what the simulators' HTTP servers share: answers, problems, bodies, keys, and serving until
// told to stop.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 500 * time.Millisecond
)

// Handler answers a request, or returns the Problem to answer with. Any other error is answered with a 500
// and logged.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Router routes requests to handlers.
type Router struct {
	mux    *http.ServeMux
	logger *slog.Logger
}

// NewRouter returns a router with the one route that all simulators have, GET /healthz.
func NewRouter(logger *slog.Logger) *Router {
	router := &Router{mux: http.NewServeMux(), logger: logger}
	router.Handle("/", UnknownRoute)
	router.Handle("GET /healthz", func(w http.ResponseWriter, _ *http.Request) error {
		return Answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	return router
}

// UnknownRoute answers what nothing is known about: 404 unknown_route.
func UnknownRoute(http.ResponseWriter, *http.Request) error {
	return NewProblem(http.StatusNotFound, "unknown_route", "no such method and path here")
}

// Handle adds a route; the pattern is http.ServeMux's.
func (router *Router) Handle(pattern string, handler Handler) {
	router.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		err := handler(w, r)
		if err == nil {
			return
		}
		problem, ok := errors.AsType[*Problem](err)
		if !ok {
			router.logger.ErrorContext(r.Context(), "request failed", "route", pattern, "error", err)
			problem = NewProblem(http.StatusInternalServerError, "internal_error", "see the log")
		}
		problem.write(w)
	})
}

func (router *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) { router.mux.ServeHTTP(w, r) }

// Listen returns the listener given, or one on the address.
func Listen(listener net.Listener, address string) (net.Listener, error) {
	if listener != nil {
		return listener, nil
	}
	return net.Listen("tcp", address)
}

// Serve serves until ctx ends, then lets requests under way finish for half a second, but lets none wait: their
// contexts end with ctx. The listener is closed when Serve returns; the error is that of serving, nil after ctx ended.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := server.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		// Nearly always a connection on which nothing was ever asked: Shutdown waits five seconds for these. Whoever
		// is cut off in the middle of a request will ask again by the key.
		err = server.Close()
	}
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}
