package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"waybill.dev/local/postgres"
)

// binariesVariable chooses the server's programs.
const binariesVariable = "WAYBILL_TEST_POSTGRES"

// shared is the one server of this test process. The tests of a package know of each other only that they run in one
// process, so what they share is kept by the process.
var shared process

type process struct {
	mutex     sync.Mutex
	server    *postgres.Server
	templates map[string]*template
}

// Main runs the tests of a package, stops the server that they shared, and exits. Without it the server ends with the
// process too, but its temporary folder stays for a later run to sweep.
func Main(m *testing.M) { os.Exit(Run(m.Run)) }

// Run is Main for a package that has more to do around its tests:
//
//	os.Exit(pgtest.Run(func() int { return kafkatest.Run(m.Run) }))
func Run(tests func() int) int {
	code := tests()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// Server starts a server of the test's own, and stops it when the test ends. Its data outlives Kill and Restart.
func Server(t testing.TB) *postgres.Server {
	t.Helper()
	server, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func start(ctx context.Context) (*postgres.Server, error) {
	binaries, err := binaries(os.Getenv(binariesVariable), postgres.HasSystem())
	if err != nil {
		return nil, err
	}
	return postgres.Start(ctx, postgres.Config{Ephemeral: true, Binaries: binaries})
}

func binaries(chosen string, hasSystem bool) (string, error) {
	switch {
	case chosen == postgres.System, chosen == postgres.Embedded:
		return chosen, nil
	case chosen != "":
		return "", fmt.Errorf("%s is %q: it may be %q or %q", binariesVariable, chosen, postgres.System, postgres.Embedded)
	case hasSystem:
		return postgres.System, nil
	}
	return postgres.Embedded, nil
}

// running is the shared server, started where it is not running yet, and the template of that name.
func (p *process) running(ctx context.Context, name string) (*postgres.Server, *template, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.server == nil {
		server, err := start(ctx)
		if err != nil {
			return nil, nil, err
		}
		p.server, p.templates = server, make(map[string]*template)
	}
	if p.templates[name] == nil {
		p.templates[name] = new(template)
	}
	return p.server, p.templates[name], nil
}

func (p *process) stop() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.server == nil {
		return nil
	}
	return p.server.Stop()
}
