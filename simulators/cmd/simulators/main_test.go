package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/internal/simtest"
	"waybill.dev/simulators/mailbox"
	"waybill.dev/simulators/provider"
)

const runMain = "SIMULATORS_TEST_RUN_MAIN"

// The test binary is the command itself when it is told so: that is how the tests kill one.
func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, arguments...)
	command.Env = append(os.Environ(), runMain+"=1")
	return command
}

// process is a simulator that runs in a process of its own.
type process struct {
	*simtest.Client
	smtp    string
	command *exec.Cmd
}

func run(t *testing.T, arguments ...string) process {
	t.Helper()
	p := process{command: command(t, arguments...)}
	stderr, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	})
	lines := bufio.NewReader(stderr)
	line, err := lines.ReadBytes('\n')
	var up struct{ URL, SMTP string }
	if err != nil || json.Unmarshal(line, &up) != nil || up.URL == "" {
		t.Fatalf("the first line is %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	p.Client, p.smtp = simtest.NewClient(t, up.URL), up.SMTP
	return p
}

func (p process) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	err := p.command.Wait()
	if signal == syscall.SIGKILL {
		return
	}
	if err != nil {
		t.Errorf("after %s: %v", signal, err)
	}
}

// underLoad calls work with rising numbers from many goroutines until enough of the calls were answered, kills
// the process in the middle of the rest, and returns what was answered.
func underLoad[T any](t *testing.T, p process, work func(number int) (T, error)) map[int]T {
	t.Helper()
	const workers, enough = 8, 200
	var mu sync.Mutex
	answered, full := map[int]T{}, make(chan struct{})
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for number := worker; ; number += workers {
				answer, err := work(number)
				if err != nil {
					return // it is dead
				}
				mu.Lock()
				answered[number] = answer
				if len(answered) == enough {
					close(full)
				}
				mu.Unlock()
			}
		})
	}
	<-full
	p.end(t, syscall.SIGKILL)
	all.Wait()
	return answered
}

func TestTheProviderSurvivesAKill(t *testing.T) {
	t.Parallel()
	arguments := []string{"provider", "--listen", "127.0.0.1:0", "--data", t.TempDir()}
	ask := func(p process, number int) (simtest.Answer, error) {
		reference := fmt.Sprintf("shop/%d", number)
		return p.TryPost(t, "/v1/payments", reference+"/authorize/1", provider.AuthorizeRequest{
			Reference: reference, Amount: provider.Money{Amount: 100, Currency: "EUR"},
			Token: []provider.Token{provider.TokenOK, provider.TokenDeclined}[number%2],
		})
	}
	first := run(t, arguments...)
	answered := underLoad(t, first, func(number int) (simtest.Answer, error) { return ask(first, number) })
	second := run(t, arguments...)
	for number, want := range answered {
		if got, err := ask(second, number); err != nil || got != want {
			t.Fatalf("request %d had %+v and has %+v, %v", number, want, got, err)
		}
	}
	second.end(t, syscall.SIGTERM)
}

func TestTheCarrierSurvivesAKill(t *testing.T) {
	t.Parallel()
	arguments := []string{
		"carrier", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--pick-up-after", "5ms", "--deliver-after", "5ms",
	}
	ask := func(p process, number int) (simtest.Answer, error) {
		reference := fmt.Sprintf("shop/%d", number)
		return p.TryPost(t, "/v1/bookings", reference+"/book/1", carrier.BookRequest{
			Reference: reference, Lines: []carrier.Line{{SKU: "MUG-1", Quantity: 1}},
			Address: carrier.Address{Name: "A", Line1: "B", City: "C", PostalCode: "12345", Country: "DE"},
		})
	}
	first := run(t, arguments...)
	answered := underLoad(t, first, func(number int) (simtest.Answer, error) { return ask(first, number) })
	second := run(t, arguments...)
	for number, want := range answered {
		if got, err := ask(second, number); err != nil || got != want {
			t.Fatalf("request %d had %+v and has %+v, %v", number, want, got, err)
		}
	}
	simtest.Eventually(t, "everything booked is delivered", func() bool {
		body := second.Get(t, "/v1/bookings?limit=1000").Body
		return strings.Count(body, `"delivered"`) == strings.Count(body, `"bkg_`)
	})
	second.end(t, syscall.SIGTERM)
}

func TestTheMailboxSurvivesAKill(t *testing.T) {
	t.Parallel()
	arguments := []string{
		"mailbox", "--listen", "127.0.0.1:0", "--listen-smtp", "127.0.0.1:0", "--data", t.TempDir(),
	}
	first := run(t, arguments...)
	answered := underLoad(t, first, func(number int) (bool, error) {
		mail := fmt.Sprintf("Message-ID: <m%d@x>\r\n\r\nText\r\n", number)
		return true, smtp.SendMail(first.smtp, nil, "a@mail.example", []string{"b@mail.example"}, []byte(mail))
	})
	second := run(t, arguments...)
	for number := range answered {
		page := simtest.Into[mailbox.MailPage](t, second.Get(t, fmt.Sprintf("/v1/mails?messageId=m%d@x", number)))
		if len(page.Mails) != 1 {
			t.Fatalf("mail %d is there %d times", number, len(page.Mails))
		}
	}
	second.end(t, syscall.SIGINT)
}

func TestAWrongCommandLineIsAClearLine(t *testing.T) {
	t.Parallel()
	busy := run(t, "provider", "--listen", "127.0.0.1:0")
	for want, arguments := range map[string][]string{
		"expected one of":        {},
		"unexpected argument":    {"bank"},
		"invalid duration":       {"provider", "--slow-answer", "soon"},
		"address already in use": {"provider", "--listen", strings.TrimPrefix(busy.URL, "http://")},
		"WebhookSecret":          {"carrier", "--webhook-url", "http://127.0.0.1:1/"},
	} {
		var stderr strings.Builder
		failing := command(t, arguments...)
		failing.Stderr = &stderr
		err := failing.Run()
		if failing.ProcessState.ExitCode() < 1 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%q ended with %v and said %q", arguments, err, stderr.String())
		}
	}
	if answer := busy.Get(t, "/healthz"); answer.Status != http.StatusOK {
		t.Errorf("healthz: %+v", answer)
	}
}

func TestHelpNamesTheEnvironment(t *testing.T) {
	t.Parallel()
	for simulator, want := range map[string]string{
		"provider": "$PROVIDER_LISTEN", "carrier": "$CARRIER_WEBHOOK_SECRET", "mailbox": "$MAILBOX_LISTEN_SMTP",
	} {
		help, err := command(t, simulator, "--help").Output()
		if err != nil || !strings.Contains(string(help), want) {
			t.Errorf("%s --help: %v, %s", simulator, err, help)
		}
	}
}
