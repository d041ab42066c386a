package freeport_test

import (
	"errors"
	"syscall"
	"testing"

	"waybill.dev/local/freeport"
)

func TestNoTwoReservedPortsAreTheSame(t *testing.T) {
	t.Parallel()
	var ports freeport.Reservation
	defer ports.Release()
	seen := map[int]bool{}
	// So many that a choice without regard to the others would meet one of them twice.
	for range 1000 {
		port, err := ports.Take(0)
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] {
			t.Fatalf("port %d was given twice", port)
		}
		seen[port] = true
	}
}

func TestReservedPortIsTakenUntilItIsReleased(t *testing.T) {
	t.Parallel()
	var ports freeport.Reservation
	defer ports.Release()
	port, err := ports.Take(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := freeport.Pick(port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("a reserved port gives %v", err)
	}
	ports.Release()
	if again, err := freeport.Pick(port); err != nil || again != port {
		t.Fatalf("a released port gives %d, %v", again, err)
	}
}
