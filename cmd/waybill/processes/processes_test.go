package processes_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/local/broker"
	"waybill.dev/local/postgres"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
)

const startPatience, orderPatience = 2 * time.Minute, 2 * time.Minute

// programs are built once for all tests.
var programs = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "waybill-programs-")
	if err != nil {
		return "", err
	}
	packages := []string{"waybill.dev/simulators/cmd/simulators"}
	for _, name := range suite.ServiceNames() {
		packages = append(packages, "waybill.dev/services/"+name+"/cmd/"+name)
	}
	output, err := exec.Command("go", append([]string{"build", "-o", folder}, packages...)...).CombinedOutput()
	if err != nil {
		return folder, fmt.Errorf("%w: %s", err, output)
	}
	return folder, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if folder, _ := programs(); folder != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(status)
}

// config is a suite with a PostgreSQL and a broker of its own, whose parcels move at once.
func config(t *testing.T) processes.Config {
	t.Helper()
	binaries, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	database, err := postgres.Start(t.Context(), postgres.Config{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, database.Stop) })
	kafka, err := broker.Start(broker.Config{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, kafka.Stop) })
	admin, err := pgx.Connect(t.Context(), database.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE waybill"); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	return processes.Config{
		Binaries: binaries, PostgresURL: database.URL("waybill"), KafkaBrokers: kafka.Brokers(),
		LogFolder: filepath.Join(folder, "logs"), SimulatorData: filepath.Join(folder, "books"), Version: "test",
	}
}

func stop(t *testing.T, what func() error) {
	t.Helper()
	if err := what(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func start(t *testing.T, c processes.Config) *processes.Suite {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	running, err := processes.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, running.Stop) })
	return running
}

// place stocks what an order needs, and places it.
func place(t *testing.T, c *client.Client, reference string) string {
	t.Helper()
	if _, err := c.Receive(t.Context(), "MUG", 1, reference); err != nil {
		t.Fatal(err)
	}
	order, err := c.PlaceOrder(t.Context(), client.NewOrder{
		Customer: client.Customer{ID: "customer-1", Name: "Ada Lovelace", Email: "ada@example.com"},
		Lines:    []client.Line{{SKU: "MUG", Name: "Mug", Quantity: 1, UnitPrice: client.Money{Amount: 1999, Currency: "EUR"}}},
		ShippingAddress: client.Address{
			Name: "Ada Lovelace", Line1: "12 St James Square", City: "London", PostalCode: "SW1Y 4JH", Country: "GB",
		},
		Payment: client.Card{Method: "card", Token: "tok_ok"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return order.ID
}

func awaitCompleted(t *testing.T, c *client.Client, order string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), orderPatience)
	defer cancel()
	if _, err := c.AwaitStatus(ctx, order, client.StatusCompleted, false); err != nil {
		t.Fatal(err)
	}
}

// Orders complete whatever happens to a process on their way: it is killed, paused, or stopped in order.
func TestProcessesComeAndGo(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Replicas = map[string]int{suite.Inventory: 2}
	running := start(t, c)
	found, err := suite.Find(t.Context(), running.URL())
	if err != nil {
		t.Fatal(err)
	}
	if want := len(suite.ServiceNames()) + len(suite.SimulatorNames()) + 1; len(found.Processes) != want {
		t.Errorf("%d processes, want %d: %+v", len(found.Processes), want, found.Processes)
	}
	asking := client.New(found)
	defer asking.Close()
	awaitCompleted(t, asking, place(t, asking, "first"))

	payments, shipping := running.Process(suite.Payments), running.Process(suite.Shipping)
	before := payments.PID()
	if err := errors.Join(payments.Kill(), shipping.Pause(), running.Process("inventory-2").Stop()); err != nil {
		t.Fatal(err)
	}
	if payments.PID() != 0 {
		t.Errorf("payments was killed and has pid %d", payments.PID())
	}
	if _, err := http.Get(payments.URL() + "/healthz"); err == nil {
		t.Error("payments was killed and answers")
	}
	order := place(t, asking, "second")
	for _, p := range running.Description().Processes {
		if p.PID == before || p.Name == "inventory-2" {
			t.Errorf("the description still has %+v", p)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	if err := errors.Join(payments.Start(ctx), shipping.Resume()); err != nil {
		t.Fatal(err)
	}
	if payments.PID() == before {
		t.Error("payments was started again and has the pid that it had")
	}
	awaitCompleted(t, asking, order)

	carrier := running.Process(suite.Carrier)
	if err := errors.Join(carrier.Kill(), carrier.Start(ctx)); err != nil {
		t.Fatal(err)
	}
	bookings, err := asking.CarrierBookings(t.Context(), "")
	if err != nil || len(bookings) != 2 {
		t.Errorf("after its restart the carrier has %d bookings, %v; want two", len(bookings), err)
	}
}

func TestASuiteThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Environment = map[string][]string{suite.Shipping: {"POLL_AFTER=soon"}}
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	running, err := processes.Start(ctx, c)
	if err == nil {
		stop(t, running.Stop)
		t.Fatal("it started with a shipping that cannot")
	}
	if !strings.Contains(err.Error(), "shipping") || !strings.Contains(err.Error(), "POLL_AFTER") {
		t.Errorf("Start = %v, want what shipping wrote", err)
	}
}

func TestWithoutPrograms(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Binaries = t.TempDir()
	if running, err := processes.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), c.Binaries) {
		if err == nil {
			stop(t, running.Stop)
		}
		t.Errorf("Start without programs = %v, want where they were looked for", err)
	}
}
