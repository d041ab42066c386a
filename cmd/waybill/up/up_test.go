package up_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/up"
)

// dataVariable makes this program a suite that keeps its data in the folder named, until it is killed.
const dataVariable = "WAYBILL_TEST_UP_DATA"

func TestMain(m *testing.M) {
	if folder := os.Getenv(dataVariable); folder != "" {
		if err := runUntilKilled(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func runUntilKilled(folder string) error {
	running, err := up.Start(context.Background(), config(folder))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(running.Description()); err != nil {
		return err
	}
	<-running.Failed()
	return running.Err()
}

// config is a suite on free ports whose parcels move at once; without a folder it is ephemeral.
func config(folder string) up.Config {
	return up.Config{Data: folder, Ephemeral: folder == "", RandomPorts: true, Version: "test"}
}

const startPatience, orderPatience = 2 * time.Minute, time.Minute

func start(t *testing.T, c up.Config) *up.Suite {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	running, err := up.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Errorf("Stop = %v", err)
		}
	})
	return running
}

func newOrder() client.NewOrder {
	return client.NewOrder{
		Customer: client.Customer{ID: "customer-1", Name: "Ada Lovelace", Email: "ada@example.com"},
		Lines:    []client.Line{{SKU: "MUG", Name: "Mug", Quantity: 2, UnitPrice: client.Money{Amount: 1999, Currency: "EUR"}}},
		ShippingAddress: client.Address{
			Name: "Ada Lovelace", Line1: "12 St James Square", City: "London", PostalCode: "SW1Y 4JH", Country: "GB",
		},
		Payment: client.Card{Method: "card", Token: "tok_ok"},
	}
}

// place stocks what an order needs, and places it.
func place(t *testing.T, c *client.Client, reference string) client.Order {
	t.Helper()
	if _, err := c.Receive(t.Context(), "MUG", 2, reference); err != nil {
		t.Fatal(err)
	}
	order, err := c.PlaceOrder(t.Context(), newOrder())
	if err != nil {
		t.Fatal(err)
	}
	return order
}

// awaitDelivery waits until the order has been completed, delivered and told of.
func awaitDelivery(t *testing.T, c *client.Client, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), orderPatience)
	defer cancel()
	_, err := c.AwaitOrder(ctx, id, "completed and delivered", func(o client.Order) bool {
		return o.Status == client.StatusCompleted && o.Shipment != nil && !o.Shipment.DeliveredAt.IsZero()
	})
	if err != nil {
		t.Fatal(err)
	}
	err = client.Await(ctx, func(ctx context.Context) error {
		mails, err := c.Mails(ctx, id)
		if err == nil && len(mails) < 4 {
			err = fmt.Errorf("%d mails, not four", len(mails))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnOrderGoesEndToEnd(t *testing.T) {
	t.Parallel()
	running := start(t, config(""))
	found, err := suite.Find(t.Context(), running.URL())
	if err != nil {
		t.Fatal(err)
	}
	c := client.New(found)
	defer c.Close()

	order := place(t, c, "first")
	awaitDelivery(t, c, order.ID)

	payment, err := c.Payment(t.Context(), order.ID)
	if err != nil || payment.Captured != (client.Money{Amount: 3998, Currency: "EUR"}) {
		t.Errorf("Payment = %+v, %v; want 3998 EUR captured", payment, err)
	}
	level, err := c.Stock(t.Context(), "MUG")
	if err != nil || level != (client.StockLevel{SKU: "MUG"}) {
		t.Errorf("Stock = %+v, %v; want nothing on hand", level, err)
	}
	reservation, err := c.Reservation(t.Context(), order.ID)
	if err != nil || reservation.Status != "shipped" {
		t.Errorf("Reservation = %+v, %v; want shipped", reservation, err)
	}
	shipment, err := c.Shipment(t.Context(), order.ID)
	if err != nil || shipment.Status != "delivered" || len(shipment.Timeline) == 0 {
		t.Errorf("Shipment = %+v, %v; want delivered", shipment, err)
	}
	bookings, err := c.CarrierBookings(t.Context(), order.ID)
	if err != nil || len(bookings) != 1 || bookings[0].TrackingNumber != shipment.TrackingNumber {
		t.Errorf("CarrierBookings = %+v, %v; want that of %+v", bookings, err, shipment)
	}
	paid, err := c.ProviderPayments(t.Context(), order.ID)
	if err != nil || len(paid) != 1 || paid[0].Captured != 3998 {
		t.Errorf("ProviderPayments = %+v, %v; want one of 3998", paid, err)
	}
	facts, err := c.History(t.Context(), order.ID)
	if err != nil || len(facts) != 7 {
		t.Errorf("History = %+v, %v; want seven facts", facts, err)
	}
	notifications, err := c.Notifications(t.Context(), order.ID)
	if err != nil || len(notifications) != 4 {
		t.Errorf("Notifications = %+v, %v; want four", notifications, err)
	}
	for _, name := range suite.ServiceNames() {
		if parked, err := c.Parked(t.Context(), name); err != nil || len(parked) != 0 {
			t.Errorf("Parked of %s = %+v, %v; want none", name, parked, err)
		}
	}
}

func TestStoppedAndStartedAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := start(t, config(folder))
	c := client.New(first.Description())
	order := place(t, c, "first")
	c.Close()
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := suite.Find(t.Context(), first.URL()); !errors.Is(err, suite.ErrNotRunning) {
		t.Errorf("Find after Stop = %v", err)
	}

	second := client.New(start(t, config(folder)).Description())
	defer second.Close()
	awaitDelivery(t, second, order.ID)
	level, err := second.Stock(t.Context(), "MUG")
	if err != nil || level != (client.StockLevel{SKU: "MUG"}) {
		t.Errorf("Stock = %+v, %v; want nothing on hand", level, err)
	}
}

func TestKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), dataVariable+"="+folder)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill() })
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the suite did not start: %v", err)
	}
	var d suite.Description
	if err := json.Unmarshal(line, &d); err != nil {
		t.Fatal(err)
	}

	// A folder that is in use is told in one line, and stays as it is.
	if _, err := up.Start(t.Context(), config(folder)); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("Start in a folder that is in use = %v", err)
	}

	c := client.New(d)
	var orders []client.Order
	for n := range 5 {
		orders = append(orders, place(t, c, fmt.Sprint(n)))
	}
	c.Close()
	if err := child.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed

	again := client.New(start(t, config(folder)).Description())
	defer again.Close()
	for _, order := range orders {
		awaitDelivery(t, again, order.ID)
	}
	paid, err := again.ProviderPayments(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, payment := range paid {
		if payment.Captured != 3998 {
			t.Errorf("captured %d of %s, want 3998", payment.Captured, payment.Reference)
		}
	}
	if len(paid) != len(orders) {
		t.Errorf("%d payments for %d orders", len(paid), len(orders))
	}
	level, err := again.Stock(t.Context(), "MUG")
	if err != nil || level != (client.StockLevel{SKU: "MUG"}) {
		t.Errorf("Stock = %+v, %v; want nothing on hand", level, err)
	}
}

func TestAnEphemeralSuiteLeavesNothing(t *testing.T) {
	t.Parallel()
	running := start(t, config(""))
	folder := running.Description().DataFolder
	if info, err := os.Stat(filepath.Join(folder, up.LogName)); err != nil || info.Size() == 0 {
		t.Errorf("the log is %v, %v", info, err)
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Stop %s is still there: %v", folder, err)
	}
}

// Stop leaves nothing listening, so that the next start finds its ports free.
func TestStopClosesEveryAddress(t *testing.T) {
	t.Parallel()
	running := start(t, config(""))
	d := running.Description()
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, addresses := range []map[string]string{d.Services, d.Simulators} {
		for name, address := range addresses {
			connection, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
			if err == nil {
				connection.Close()
				t.Errorf("%s still listens on %s", name, address)
			}
		}
	}
}

func TestWhatCannotStartSaysWhyInALine(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := taken.Addr().String()
	taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.MkdirAll(filepath.Join(damaged, "postgres", "cluster"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "postgres", "cluster", "PG_VERSION"), []byte("eighteen\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*up.Config)
		says   string
	}{
		"the data folder is a file":       {func(c *up.Config) { c.Data = file }, file},
		"the data folder is damaged":      {func(c *up.Config) { c.Data = damaged }, "PG_VERSION"},
		"both a folder and ephemeral":     {func(c *up.Config) { c.Ephemeral = true }, "ephemeral"},
		"an address of no interface":      {func(c *up.Config) { c.Host = "192.0.2.1" }, "192.0.2.1"},
		"no tenants file":                 {func(c *up.Config) { c.TenantsFile = "/nowhere.yaml" }, "/nowhere.yaml"},
		"a carrier that is too early":     {func(c *up.Config) { c.PickUpAfter = -time.Second }, "carrier"},
		"no Kafka":                        {func(c *up.Config) { c.KafkaBrokers = []string{nobody} }, "Kafka"},
		"no PostgreSQL":                   {func(c *up.Config) { c.PostgresURL = "postgres://a:very-secret@" + nobody + "/b" }, "administrator"},
		"a PostgreSQL URL that is no URL": {func(c *up.Config) { c.PostgresURL = "very-secret" }, "postgres://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(t.TempDir())
			test.change(&c)
			running, err := up.Start(t.Context(), c)
			if err == nil {
				_ = running.Stop()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "very-secret") {
				t.Errorf("Start = %v, want a line with %q in it and no password", err, test.says)
			}
		})
	}
}
