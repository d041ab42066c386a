package server

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// A service that cannot be asked any more ends, so that whoever runs it starts it again.
func TestServingNoMoreEndsTheServer(t *testing.T) {
	t.Parallel()
	c := Defaults(0)
	c.DatabaseURL = "postgres://u:p@127.0.0.1:1/x"
	service := Service{
		Name: "inventory", Categories: []es.Erased{es.Category[struct{}, es.Event]{Name: "nothing"}},
		Publish: func(es.Recorded) []contracts.Event { return nil },
	}
	s, err := New(t.Context(), service, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.listener.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Run(ctx); !errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
		t.Errorf("it ended with %v", err)
	}
}
