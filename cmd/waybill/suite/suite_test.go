package suite_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/cmd/waybill/suite"
)

func example() suite.Description {
	return suite.Description{
		Version:   "v1.2.3",
		StartedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Services: map[string]string{
			suite.Orders: "http://127.0.0.1:8081", suite.Payments: "http://127.0.0.1:8082",
			suite.Inventory: "http://127.0.0.1:8083", suite.Shipping: "http://127.0.0.1:8084",
			suite.Notifications: "http://127.0.0.1:8085",
		},
		Simulators: map[string]string{
			suite.Provider: "http://127.0.0.1:9081", suite.Carrier: "http://127.0.0.1:9082",
			suite.Mailbox: "http://127.0.0.1:9083", suite.SMTP: "127.0.0.1:9025",
		},
		KafkaBrokers: []string{"127.0.0.1:9092"},
		Processes:    []suite.Process{{Name: "waybill", PID: 1}},
	}
}

func serve(t *testing.T, d suite.Description) string {
	t.Helper()
	server := httptest.NewServer(suite.Handler(d))
	t.Cleanup(server.Close)
	return server.URL
}

func TestFindASuite(t *testing.T) {
	t.Parallel()
	url := serve(t, example())
	for _, given := range []string{url, url + "/"} {
		found, err := suite.Find(t.Context(), given)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(example(), found); diff != "" {
			t.Errorf("found another suite than is served (-served +found):\n%s", diff)
		}
	}
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	listener.Close()
	if _, err := suite.Find(t.Context(), nobody); !errors.Is(err, suite.ErrNotRunning) || !strings.Contains(err.Error(), "waybill up") {
		t.Errorf("Find where nobody listens = %v, want what to do", err)
	}

	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == suite.Path {
			_, _ = io.WriteString(w, `{"hello":"world"}`)
		}
	}))
	t.Cleanup(other.Close)
	notFound := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(notFound.Close)
	for _, url := range []string{other.URL, notFound.URL} {
		if _, err := suite.Find(t.Context(), url); err == nil || !strings.Contains(err.Error(), "no suite") {
			t.Errorf("Find at another server = %v, want that it is no suite", err)
		}
	}
	for _, url := range []string{"localhost:8080", "ftp://localhost", "http://", "::"} {
		if _, err := suite.Find(t.Context(), url); err == nil || !strings.Contains(err.Error(), suite.DefaultURL) {
			t.Errorf("Find(%q) = %v, want what a URL looks like", url, err)
		}
	}
}

func TestFindGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := suite.Find(ctx, "http://"+silent.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Find at a silent server = %v, want the context's end", err)
	}
}

var (
	linked   = regexp.MustCompile(`href="([^"]*)"`)
	embedded = regexp.MustCompile(`src=|@import|url\(|<script|<link`)
)

func TestStartPageLinksEverything(t *testing.T) {
	t.Parallel()
	page := get(t, serve(t, example())+"/")
	links := map[string]bool{}
	for _, match := range linked.FindAllStringSubmatch(page, -1) {
		links[match[1]] = true
	}
	want := []string{"/suite.json", "http://127.0.0.1:9081/v1/payments", "http://127.0.0.1:9082/v1/bookings", "http://127.0.0.1:9083/v1/mails"}
	for _, name := range suite.ServiceNames() {
		for _, path := range []string{"/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"} {
			want = append(want, example().Services[name]+path)
		}
	}
	for _, link := range want {
		if !links[link] {
			t.Errorf("the start page does not link %s", link)
		}
	}
	if found := embedded.FindString(page); found != "" {
		t.Errorf("the start page loads something: it has %q in it", found)
	}
	for _, address := range []string{"127.0.0.1:9025", "127.0.0.1:9092", "v1.2.3"} {
		if !strings.Contains(page, address) {
			t.Errorf("the start page does not tell %s", address)
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	t.Parallel()
	answer, err := http.Get(serve(t, example()) + "/other")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("GET /other = %s", answer.Status)
	}
}

// Whoever asks from another machine is told addresses that work there.
func TestAddressesOfEveryInterfaceAreToldByTheNameAsked(t *testing.T) {
	t.Parallel()
	d := suite.Description{
		Services:   map[string]string{suite.Orders: "http://0.0.0.0:8081", suite.Payments: "http://[::]:8082"},
		Simulators: map[string]string{suite.SMTP: "0.0.0.0:9025", suite.Carrier: "http://192.0.2.1:9082"},
	}
	request := httptest.NewRequest(http.MethodGet, "http://shop.example:8080/suite.json", nil)
	recorder := httptest.NewRecorder()
	suite.Handler(d).ServeHTTP(recorder, request)
	var told suite.Description
	if err := json.Unmarshal(recorder.Body.Bytes(), &told); err != nil {
		t.Fatal(err)
	}
	want := suite.Description{
		Services:   map[string]string{suite.Orders: "http://shop.example:8081", suite.Payments: "http://shop.example:8082"},
		Simulators: map[string]string{suite.SMTP: "shop.example:9025", suite.Carrier: "http://192.0.2.1:9082"},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("addresses (-want +told):\n%s", diff)
	}
}

func TestConnectionsAreKeptForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	kept := suite.Connections{
		Postgres: "postgres://waybill:secret@127.0.0.1:5432/waybill",
		Services: map[string]string{suite.Orders: "postgres://waybill_orders:secret@127.0.0.1:5432/waybill"},
	}
	for range 2 { // the second time over the first
		if err := suite.SaveConnections(folder, kept); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the folder holds %v, %v; want one file", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, want 0600", info.Mode())
	}
	loaded, err := suite.LoadConnections(folder)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, loaded); diff != "" {
		t.Errorf("connections (-kept +loaded):\n%s", diff)
	}
	if _, err := suite.LoadConnections(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no suite") {
		t.Errorf("LoadConnections of an empty folder = %v", err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %s, %v", url, answer.Status, err)
	}
	return string(body)
}
