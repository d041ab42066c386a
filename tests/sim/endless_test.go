package sim_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnEndlessRun: of a run that never comes to rest no more is shown than of another.
func TestAnEndlessRun(t *testing.T) {
	t.Parallel()
	services, err := filepath.Abs("../../services")
	if err != nil {
		t.Fatal(err)
	}
	sendsForEver := change("", "notifications/mail/settle.go", "return []Event{Refused{Mail: kind, Code: code}}, nil, nil",
		"return []Event{ContactHeard{Email: m.Email}}, []es.Job{Send{Order: id.ID, Mail: kind}}, nil")
	out, err := exec.CommandContext(t.Context(), sendsForEver.build(t, services)).Output()
	if err == nil {
		t.Fatalf("nobody noticed\n%s", out)
	}
	told := string(out)
	if n := strings.Count(told, "\n"); n > 60 {
		t.Errorf("it is told in %d lines\n%s", n, told)
	}
	for _, want := range []string{ // the cycle, the fault, the order and the statement
		" … and so on: the last ", `"mail refused" of usual/o-1: mail.contact-heard`, "faults: ", " × a refusal by the outside",
		"found: 1 usual/o-1: never at rest: ", "\nstatement 1: an order has exactly one end",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("it does not tell %q\n%s", want, told)
		}
	}
}
