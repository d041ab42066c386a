package freeport_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"waybill.dev/local/freeport"
)

// Who was given a port, and has not bound it yet, does not find it taken by the next who asked.
func TestNoPortIsGivenTwice(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	// So many that a choice without regard to the others would meet one of them twice.
	for range 1000 {
		port, err := freeport.Pick(0)
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] {
			t.Fatalf("port %d was given twice", port)
		}
		seen[port] = true
	}
}

func TestTakenPortIsTold(t *testing.T) {
	t.Parallel()
	port, err := freeport.Pick(0)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", freeport.Address(port))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := freeport.Pick(port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("a port that is taken gives %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if again, err := freeport.Pick(port); err != nil || again != port {
		t.Fatalf("a port that is free gives %d, %v", again, err)
	}
}
