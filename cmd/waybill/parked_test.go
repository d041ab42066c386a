package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/messaging"
)

// lookAfterParked deals with what cannot be read, which each service that hears it has parked.
func lookAfterParked(t *testing.T, url string) {
	t.Helper()
	parked := func(want int, args ...string) string {
		t.Helper()
		status, out, errs := waybill(t.Context(), append([]string{"parked"}, append(args, "--suite", url)...)...)
		if status != want || status != 0 && strings.Count(errs, "\n") != 1 {
			t.Fatalf("parked %s = %d, %q, %q; want %d", args, status, out, errs, want)
		}
		return out + errs
	}
	id := regexp.MustCompile(`[0-9a-f-]{36}`).FindString(parked(0, "list", "--service", suite.Payments))
	if id == "" {
		t.Fatal("the list tells no id")
	}
	for _, want := range []string{"payments", "order-shipped", "permanent", "not a CloudEvent", "spoilt", "nothing was done about it"} {
		if out := parked(0, "show", id, "--service=payments"); !strings.Contains(out, want) {
			t.Errorf("show lacks %q:\n%s", want, out)
		}
	}
	for _, filter := range []string{"--error=CLOUDEVENT", "--error=permanent", "--since=1h", "--service=payments"} {
		if out := parked(0, filter); !strings.Contains(out, id) {
			t.Errorf("parked %s lacks it:\n%s", filter, out)
		}
	}
	for _, filter := range []string{"--error=panic", "--error=bug", "--until=1h", "--service=shipping", "--subject=42", "--tenant=acme", "--state=discarded"} {
		if out := parked(0, filter); !strings.Contains(out, "No parked message is meant by this.") {
			t.Errorf("parked %s = %s", filter, out)
		}
	}

	listed := `"service": "payments", "id": "` + id + `", "topic": "commerce.shipping.order-shipped", "tenant": "", "subject": "", "messageId": "",
		"eventType": "", "state": "parked", "origin": "kafka", "waiting": false, "class": "permanent", "tries": 1`
	checkJSON(t, parked(0, "--json", "--service=payments"), "[{"+listed+"}]")
	checkJSON(t, parked(0, "show", id, "--json", "--service=payments"), "{"+listed+`, "key": null, "headers": {}, "value": "c3BvaWx0", "history": []}`)
	checkJSON(t, parked(0, "list", "--json", "--state=discarded"), "[]")

	unknown := uuid.NewString()
	for _, args := range [][]string{
		{"show", unknown}, {"redrive", unknown}, {"discard", unknown, "--reason", "spoilt"}, {"redrive", id, unknown, "--service=payments"}, {"show", id, "--service", suite.Shipping},
	} {
		if out := parked(1, args...); !strings.Contains(out, "parked a message with the id") {
			t.Errorf("parked %s = %s", args, out)
		}
	}
	for _, args := range [][]string{{"show", id}, {"redrive", id}, {"discard", id, "--reason", "spoilt"}} {
		if out := parked(1, args...); !strings.Contains(out, "have each parked "+id+": name one by --service") {
			t.Errorf("parked %s = %s", args, out)
		}
	}
	if out := parked(1, "redrive", "--error", "cloudevent"); !strings.Contains(out, "4 messages are meant: add --yes") {
		t.Errorf("redrive by a filter = %s", out)
	}

	// It fails again, for ever, and is given up.
	if out := parked(0, "redrive", id, "--service=payments", "--by", "ada", "--reason", "one more try"); !strings.Contains(out, "payments: 1 message is to be redriven") {
		t.Errorf("redrive = %s", out)
	}
	err := await(t, func(context.Context) error {
		if out := parked(0, "show", id, "--service=payments"); !regexp.MustCompile(`tries +2`).MatchString(out) || !strings.Contains(out, "redrive by ada: one more try") || !strings.Contains(out, "failed by payments") {
			return fmt.Errorf("show = %s", out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := parked(0, "discard", id, "--service=payments", "--reason", "spoilt"); !strings.Contains(out, "payments: "+id+" is discarded") {
		t.Errorf("discard = %s", out)
	}
	if out := parked(1, "discard", id, "--service=payments", "--reason", "spoilt"); !strings.Contains(out, "has been discarded") {
		t.Errorf("discard once more = %s", out)
	}
	if out := parked(1, "redrive", id, "--service=payments"); !strings.Contains(out, "has been discarded") {
		t.Errorf("redrive of what is discarded = %s", out)
	}
	if out := parked(0, "--state=discarded"); !strings.Contains(out, id) {
		t.Errorf("what is discarded is not kept: %s", out)
	}
	if out := parked(0, "show", id, "--service=payments"); !strings.Contains(out, "discarded by "+username()+": spoilt") {
		t.Errorf("who has discarded it is not told: %s", out)
	}
	parked(0, "discard", "--error", "cloudevent", "--reason", "spoilt", "--yes")
	if out := parked(0); !strings.Contains(out, "No message is parked.") {
		t.Errorf("after all were discarded: %s", out)
	}
}

// checkJSON fails the test unless what is told is as wanted, but for what differs from run to run.
func checkJSON(t *testing.T, told, want string) {
	t.Helper()
	var is, should any
	if err := errors.Join(json.Unmarshal([]byte(told), &is), json.Unmarshal([]byte(want), &should)); err != nil {
		t.Fatalf("%v: %s", err, told)
	}
	differs := cmpopts.IgnoreMapEntries(func(name string, _ any) bool {
		return slices.Contains([]string{"parkedAt", "partition", "offset", "error"}, name)
	})
	if diff := cmp.Diff(should, is, differs); diff != "" {
		t.Errorf("as JSON (-want +got):\n%s", diff)
	}
}

// What is not text may make a terminal do anything.
func TestReadable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ is, want string }{
		{"", "-"}, {"{\n\t\"a\": \"ä\"}\n", "{\n\t\"a\": \"ä\"}\n"}, {"\x1b[2J", "base64 G1sySg=="}, {"\xff\x00", "base64 /wA="},
	} {
		if got := readable([]byte(c.is)); got != c.want {
			t.Errorf("%q is %q, want %q", c.is, got, c.want)
		}
	}
}

// An error is told as it reads, in one line.
func TestErrorsAreListedAsTheyRead(t *testing.T) {
	t.Parallel()
	const reads = `no "tenantid" in „x“`
	m := messaging.Parked{Error: reads + "\n\x1b[2J"}
	var list, whole strings.Builder
	if err := printParked(&list, []listed{{suite.Orders, m}}); err != nil {
		t.Fatal(err)
	}
	show(&whole, shown{Service: suite.Orders, Whole: messaging.Whole{Parked: m}})
	for _, text := range []string{list.String(), whole.String()} {
		if !strings.Contains(text, reads+"\uFFFD\uFFFD[2J\n") {
			t.Errorf("the error is told as\n%s", text)
		}
	}
}
