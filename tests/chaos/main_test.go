//go:build chaos

package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/pgtest"
)

// programs is the folder with every program of a chaos build, which is built when it is first asked for.
var programs = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "waybill-chaos-programs-")
	if err != nil {
		return "", err
	}
	modules := map[string]string{"simulators": "../../simulators/cmd/simulators", "waybill": "../../cmd/waybill"}
	for _, name := range suite.ServiceNames() {
		modules[name] = "../../services/" + name + "/cmd/" + name
	}
	var errs []error
	for name, module := range modules {
		output, err := exec.Command("go", "-C", module, "build", "-tags", "chaos", "-o", filepath.Join(folder, name), ".").CombinedOutput()
		if err != nil {
			errs = append(errs, fmt.Errorf("build %s: %w\n%s", name, err, output))
		}
	}
	return folder, errors.Join(errs...)
})

func TestMain(m *testing.M) {
	code := pgtest.Run(func() int { return kafkatest.Run(m.Run) })
	if folder, _ := programs(); folder != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

func program(t *testing.T, name string) string {
	t.Helper()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, name)
}
