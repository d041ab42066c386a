package saga

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/ways"
)

// testCrashes kills each service while it works on orders, two of them with a second replica. All orders go their ways.
func testCrashes(t *testing.T, g ground, config processes.Config, deliver delivery) *testSuite {
	t.Helper()
	config.Replicas = map[string]int{suite.Payments: 2, suite.Inventory: 2}
	s := startSuite(t, g, tenantsOf(ways.All()), config, deliver)
	var walks []*ways.Walk
	for _, service := range suite.ServiceNames() {
		before := s.factsOf(t, service)
		for _, way := range ways.All() {
			if way.Meanwhile == nil {
				walks = append(walks, place(t, s.shop.ForTenant(tenantOf(way)), way))
			}
		}
		await(t, func(context.Context) error {
			if s.factsOf(t, service) == before {
				return fmt.Errorf("%s has not begun to work on the orders", service)
			}
			return nil
		})
		process := s.Process(service)
		if err := process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := process.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// The second replicas have worked beside the first; one of them is not seen again.
	for _, replica := range []string{"payments-2", "inventory-2"} {
		await(t, func(context.Context) error {
			if !strings.Contains(string(readMetrics(t, s.Process(replica).URL())), `status="processed"`) {
				return fmt.Errorf("%s has processed nothing", replica)
			}
			return nil
		})
	}
	if err := s.Process("inventory-2").Kill(); err != nil {
		t.Fatal(err)
	}
	for _, walk := range walks {
		finish(t, walk)
	}
	s.awaitRest(t)
	for _, way := range ways.All() {
		checkBooks(t, s.shop.ForTenant(tenantOf(way)))
	}
	s.checkTopics(t)
	return s
}

func (s *testSuite) factsOf(t *testing.T, service string) (facts int64) {
	t.Helper()
	if err := s.database.QueryRow(t.Context(), `SELECT count(*) FROM `+service+`.events`).Scan(&facts); err != nil {
		t.Fatal(err)
	}
	return facts
}
