package kafka

import (
	"strings"
	"testing"
)

func TestClientsAreToldTheAdvertisedPort(t *testing.T) {
	t.Parallel()
	properties := string(brokerProperties("/log", 1, 3, 2))
	for _, line := range []string{"advertised.listeners=BROKER://127.0.0.1:3", "listeners=BROKER://127.0.0.1:1,CONTROLLER://127.0.0.1:2"} {
		if !strings.Contains("\n"+properties, "\n"+line+"\n") {
			t.Errorf("the properties lack %s:\n%s", line, properties)
		}
	}
}
