package up

import (
	"bytes"
	"os"
	"testing"

	"waybill.dev/platform/server"

	"waybill.dev/cmd/waybill/demo"
	"waybill.dev/cmd/waybill/ways"
)

func TestTenantsAreWrittenOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, err := writeTenants(folder)
	if err != nil {
		t.Fatal(err)
	}
	if written, err := os.ReadFile(path); err != nil || !bytes.Equal(written, tenants) {
		t.Fatalf("%q, %v", written, err)
	}
	loaded, err := server.LoadTenants(path)
	if err != nil {
		t.Fatal(err)
	}
	if !loaded.Settings(demo.TenantAtOnce).CaptureAtOnce || loaded.Settings(demo.TenantHurried).Deadlines.Shipment != ways.ShipmentDeadline {
		t.Error("they are not those that the demo wants")
	}
	changed := []byte("tenants: {}\n")
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := writeTenants(folder); err != nil || again != path {
		t.Fatalf("%q, %v", again, err)
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, changed) {
		t.Errorf("the next start made %q of it, %v", kept, err)
	}
	if _, err := writeTenants(folder + "/missing"); err == nil {
		t.Error("no error without a folder")
	}
}
