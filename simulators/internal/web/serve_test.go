package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"waybill.dev/simulators/internal/simtest"
	"waybill.dev/simulators/internal/web"
)

func serve(t *testing.T, handler http.Handler) (client *simtest.Client, stop func() error) {
	t.Helper()
	listener, err := web.Listen(nil, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(ctx, listener, handler, slog.New(slog.DiscardHandler)) }()
	return simtest.NewClient(t, "http://"+listener.Addr().String()), func() error { cancel(); return <-ended }
}

func TestStoppingLetsARequestFinish(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	router := web.NewRouter(slog.New(slog.DiscardHandler))
	router.Handle("GET /wait", func(w http.ResponseWriter, r *http.Request) error {
		close(begun)
		<-r.Context().Done() // which the stop ends
		return web.Answer(w, http.StatusOK, "done")
	})
	client, stop := serve(t, router)
	answered := make(chan simtest.Answer, 1)
	go func() { answered <- client.Get(t, "/wait") }()
	<-begun
	if err := stop(); err != nil {
		t.Errorf("Serve = %v", err)
	}
	if answer := <-answered; answer.Body != `"done"` {
		t.Errorf("the answer is %+v", answer)
	}
}

func TestStoppingWaitsForNobodyWhoAsksNothing(t *testing.T) {
	t.Parallel()
	client, stop := serve(t, web.NewRouter(slog.New(slog.DiscardHandler)))
	silent, err := net.Dial("tcp", strings.TrimPrefix(client.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	client.Get(t, "/healthz") // behind this the silent one has been accepted
	begin := time.Now()
	if err := stop(); err != nil {
		t.Errorf("Serve = %v", err)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

func TestAnErrorThatIsNoProblemIsLoggedAndHidden(t *testing.T) {
	t.Parallel()
	var logged strings.Builder
	router := web.NewRouter(slog.New(slog.NewTextHandler(&logged, nil)))
	router.Handle("GET /fail", func(http.ResponseWriter, *http.Request) error { return errors.New("the disk is full") })
	client, stop := serve(t, router)
	answer := client.Get(t, "/fail")
	if answer.Status != http.StatusInternalServerError || answer.Code() != "internal_error" ||
		strings.Contains(answer.Body, "disk") {
		t.Errorf("the answer is %+v", answer)
	}
	if err := stop(); err != nil {
		t.Errorf("Serve = %v", err)
	}
	if !strings.Contains(logged.String(), "the disk is full") {
		t.Errorf("the log is %q", logged.String())
	}
}

func TestServeSaysThatItCannot(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := web.Serve(t.Context(), listener, http.NotFoundHandler(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("Serve hid that its listener is closed")
	}
}
