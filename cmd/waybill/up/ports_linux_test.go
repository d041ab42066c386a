package up_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill.dev/cmd/waybill/up"
)

// With the services' own ports a taken one is told before anything is started.
func TestATakenPortIsToldAtOnce(t *testing.T) {
	t.Parallel()
	// On Linux all of 127.0.0.0/8 is loopback: an address of our own keeps apart from suites on 127.0.0.1.
	const host = "127.77.77.77"
	taken, err := net.Listen("tcp", host+":8083")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	folder := filepath.Join(t.TempDir(), "data")
	c := up.Config{Data: folder, Host: host}
	running, err := up.Start(t.Context(), c)
	if err == nil {
		_ = running.Stop()
		t.Fatal("it started on a taken port")
	}
	if !strings.Contains(err.Error(), "inventory cannot listen on "+host+":8083") {
		t.Errorf("Start = %v", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data folder was made all the same: %v", err)
	}
}

func TestTheServicesListenOnTheirOwnPorts(t *testing.T) {
	t.Parallel()
	const host = "127.88.88.88"
	free, err := net.Listen("tcp", host+":8080")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	c := config("")
	c.RandomPorts, c.Host = false, host
	start(t, c)
	for _, address := range []string{
		":8080/suite.json", ":8081/docs", ":8082/openapi.json", ":8083/healthz", ":8084/readyz", ":8085/metrics",
		":9081/healthz", ":9082/healthz", ":9083/healthz",
	} {
		answer, err := http.Get("http://" + host + address)
		if err != nil {
			t.Error(err)
			continue
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("GET %s = %s", address, answer.Status)
		}
	}
}
