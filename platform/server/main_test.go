package server_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
)

// asProgram makes the test binary the service's program instead.
const asProgram = "WAYBILL_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		server.Main(counting, "counts what it is told", countingDefaults(), func(c countingConfig) (server.Service, error) {
			if c.Step < 0 {
				return server.Service{}, errors.New("COUNTING_STEP is negative")
			}
			return countingService(&errands{}), nil
		})
		return
	}
	pgtest.Main(m)
}

type countingConfig struct {
	server.Config
	Step    int      `env:"COUNTING_STEP" doc:"how much is counted at a time"`
	Partner provider `envPrefix:"PARTNER_"`
}

type provider struct {
	URL string `env:"URL" doc:"where the partner is"`
}

func countingDefaults() countingConfig {
	return countingConfig{Config: server.Defaults(8083), Step: 1, Partner: provider{URL: "http://127.0.0.1:9091"}}
}

// program is the service as a process of its own.
func program(t *testing.T, arguments []string, environment ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], arguments...)
	cmd.Env = append([]string{asProgram + "=1", "GORACE=atexit_sleep_ms=0"}, environment...)
	return cmd
}

func TestHelpListsTheEnvironment(t *testing.T) {
	t.Parallel()
	out, err := program(t, []string{"--help"}).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		"inventory: counts what it is told", "LISTEN ", "(default 127.0.0.1:8083)", "DATABASE_URL ", "MIGRATIONS_URL ",
		"KAFKA_BROKERS ", "(default 127.0.0.1:9092)", "LOG_LEVEL ", "(default INFO)",
		"COOLDOWNS_TRANSIENT ", "COOLDOWNS_BUG ", "(default 100ms,250ms,500ms,1s)", "COOLDOWNS_JOB ", "PARKING_PLACES ", "(default 1000)", "TENANTS_FILE ",
		"COUNTING_STEP ", "(default 1)", "PARTNER_URL ", "(default http://127.0.0.1:9091)", "how much is counted at a time",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("help lacks %q:\n%s", want, out)
		}
	}
}

func TestBadUseIsOneLineAndAnExitCode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arguments, environment []string
		code                   int
		want                   string
	}{
		"no pause":           {nil, []string{"COOLDOWNS_BUG=soon"}, 1, "COOLDOWNS_BUG: "},
		"a pause of nothing": {nil, []string{"COOLDOWNS_TRANSIENT=50ms,0s"}, 1, "COOLDOWNS_TRANSIENT: 0s is not between"},
		"an endless pause":   {nil, []string{"COOLDOWNS_JOB=200ms,300h", "COOLDOWNS_BUG=5ms,10ms"}, 1, "COOLDOWNS_JOB: 300h0m0s is not between"},
		"no place":           {nil, []string{"PARKING_PLACES=0"}, 1, "PARKING_PLACES: 0 is not between"},
		"an argument":        {[]string{"serve"}, nil, 2, `unexpected argument "serve"`},
		"an unknown level":   {nil, []string{"LOG_LEVEL=LOUD"}, 1, "LOG_LEVEL: "},
		"no number":          {nil, []string{"JOB_WORKERS=many", "COUNTING_STEP=x"}, 1, "JOB_WORKERS: "},
		"the service's own":  {nil, []string{"COUNTING_STEP=-1"}, 1, "COUNTING_STEP is negative"},
		"what is required":   {nil, nil, 1, "DATABASE_URL is required"},
		"an address in use":  {nil, []string{"DATABASE_URL=postgres://u:p@127.0.0.1:1/x", "LISTEN=256.0.0.1:1"}, 1, "256.0.0.1"},
		"a bad endpoint URL": {nil, []string{"DATABASE_URL=postgres://u:p@127.0.0.1:1/x", "OTEL_EXPORTER_OTLP_ENDPOINT=:"}, 1, "OTEL_EXPORTER_OTLP_ENDPOINT: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := program(t, c.arguments, c.environment...)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.code {
				t.Errorf("%v, want code %d", err, c.code)
			}
			line := stderr.String()
			if !strings.HasPrefix(line, "inventory: ") || !strings.Contains(line, c.want) || strings.Count(line, "\n") != 1 {
				t.Errorf("stderr is %q", line)
			}
		})
	}
}

func TestProgramServesUntilItIsTold(t *testing.T) {
	t.Parallel()
	address := closedAddress(t)
	cmd := program(t, nil, "LISTEN="+address, "DATABASE_URL="+pgtest.Service(t, counting, nil).ServiceURL, "KAFKA_BROKERS="+closedAddress(t))
	var stderr logs
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	eventually(t, "readiness", func() bool {
		res, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, stderr.String())
	}
	if len(stderr.lines(t, "stopped")) != 1 {
		t.Errorf("log: %s", stderr.String())
	}
}
