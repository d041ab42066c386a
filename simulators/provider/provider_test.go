package provider_test

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/simulators/internal/simtest"
	"waybill.dev/simulators/provider"
)

// start runs a provider on a free port and returns a client of it.
func start(t testing.TB, config provider.Config) (client *simtest.Client, stop func()) {
	t.Helper()
	config.Listen = "127.0.0.1:0"
	server, err := provider.New(config)
	if err != nil {
		t.Fatal(err)
	}
	stop = simtest.Run(t, server)
	return simtest.NewClient(t, server.URL()), stop
}

func euros(cents int64) provider.Money { return provider.Money{Amount: cents, Currency: "EUR"} }

func authorization(token provider.Token) provider.AuthorizeRequest {
	return provider.AuthorizeRequest{Reference: "shop/1", Amount: euros(1000), Token: token}
}

// authorize authorizes 10 EUR for order shop/1 and returns the payment's id.
func authorize(t testing.TB, client *simtest.Client, token provider.Token) string {
	t.Helper()
	body := authorization(token)
	answer, err := client.TryPost(t, "/v1/payments", "shop/1/authorize/1", body)
	if err != nil || answer.Status == http.StatusInternalServerError {
		answer = client.Post(t, "/v1/payments", "shop/1/authorize/1", body)
	}
	if answer.Status != http.StatusOK {
		t.Fatalf("authorize %s: %+v", token, answer)
	}
	return simtest.Into[provider.Result](t, answer).ID
}

// amount returns the body of an operation: none for a void.
func amount(operation string, cents int64) any {
	if operation == "void" {
		return nil
	}
	return provider.AmountRequest{Amount: euros(cents)}
}

func payment(t testing.TB, client *simtest.Client, id string) provider.Payment {
	t.Helper()
	answer := client.Get(t, "/v1/payments/"+id)
	if answer.Status != http.StatusOK {
		t.Fatalf("GET payment %s: %+v", id, answer)
	}
	return simtest.Into[provider.Payment](t, answer)
}

func TestAPaymentIsHeldTakenAndGivenBack(t *testing.T) {
	t.Parallel()
	client, _ := start(t, provider.Config{})
	before := time.Now()
	answer := client.Post(t, "/v1/payments", "shop/1/authorize/1", authorization(provider.TokenOK))
	result := simtest.Into[provider.Result](t, answer)
	if answer.Status != http.StatusOK || result.Status != "authorized" || result.Reference != "shop/1" ||
		*result.Amount != euros(1000) || !strings.HasPrefix(result.ID, "pay_") {
		t.Fatalf("authorize: %+v", answer)
	}
	if lifetime := result.ExpiresAt.Sub(before); lifetime < 167*time.Hour || lifetime > 169*time.Hour {
		t.Errorf("the hold lasts %s", lifetime)
	}
	if held := payment(t, client, result.ID); !held.Held || held.Status != "authorized" || held.Authorized != 1000 {
		t.Errorf("after the authorization: %+v", held)
	}

	path := "/v1/payments/" + result.ID
	for _, step := range []struct {
		operation, key string
		cents          int64
		want           provider.Result
		status         string
	}{
		{"capture", "capture/1", 900, provider.Result{ID: "cap_", Payment: result.ID, Status: "captured"}, "captured"},
		{"refund", "refund/1", 400, provider.Result{ID: "ref_", Payment: result.ID, Status: "refunded"}, "partially_refunded"},
		{"refund", "refund/2", 500, provider.Result{ID: "ref_", Payment: result.ID, Status: "refunded"}, "refunded"},
	} {
		answer := client.Post(t, path+"/"+step.operation, "shop/1/"+step.key, amount(step.operation, step.cents))
		got := simtest.Into[provider.Result](t, answer)
		if answer.Status != http.StatusOK || !strings.HasPrefix(got.ID, step.want.ID) {
			t.Fatalf("%s: %+v", step.key, answer)
		}
		step.want.ID = got.ID
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.key, diff)
		}
		if now := payment(t, client, result.ID); now.Status != step.status || now.Held {
			t.Errorf("after %s: %+v", step.key, now)
		}
	}
	end := payment(t, client, result.ID)
	if end.Captured != 900 || end.Refunded != 900 || len(end.Operations) != 4 {
		t.Errorf("in the end: %+v", end)
	}
}

func TestAVoidLetsGo(t *testing.T) {
	t.Parallel()
	client, _ := start(t, provider.Config{})
	id := authorize(t, client, provider.TokenOK)
	for _, body := range []any{nil, "{}"} {
		answer := client.Post(t, "/v1/payments/"+id+"/void", "shop/1/void/1", body)
		if got := simtest.Into[provider.Result](t, answer); answer.Status != http.StatusOK || got.Status != "voided" {
			t.Fatalf("void: %+v", answer)
		}
	}
	if got := payment(t, client, id); got.Status != "voided" || got.Held || got.Captured != 0 {
		t.Errorf("after the void: %+v", got)
	}
}

func TestTokensThatRefuseTheAuthorization(t *testing.T) {
	t.Parallel()
	for token, want := range map[provider.Token]struct {
		status int
		code   string
	}{
		provider.TokenDeclined:          {http.StatusPaymentRequired, "card_declined"},
		provider.TokenInsufficientFunds: {http.StatusPaymentRequired, "insufficient_funds"},
		"tok_of_somebody":               {http.StatusUnprocessableEntity, "unknown_token"},
	} {
		client, _ := start(t, provider.Config{})
		for range 2 {
			answer := client.Post(t, "/v1/payments", "shop/1/authorize/1", authorization(token))
			if answer.Status != want.status || answer.Code() != want.code {
				t.Errorf("%s: %+v, want %+v", token, answer, want)
			}
		}
		outcome := simtest.Into[provider.OperationOutcome](t, client.Get(t, "/v1/operations/shop/1/authorize/1"))
		if outcome.Status != "refused" || outcome.Code != want.code || outcome.Result != nil {
			t.Errorf("%s: the operation is %+v", token, outcome)
		}
		declined := payment(t, client, outcome.Payment)
		if declined.Status != "declined" || declined.Held || declined.Authorized != 0 || declined.Amount != euros(1000) {
			t.Errorf("%s: the payment is %+v", token, declined)
		}
		answer := client.Post(t, "/v1/payments/"+outcome.Payment+"/capture", "shop/1/capture/1", amount("capture", 1))
		if answer.Status != http.StatusPaymentRequired || answer.Code() != "not_authorized" {
			t.Errorf("%s: a capture of it: %+v", token, answer)
		}
	}
}

func TestTokensThatRefuseUntilAllowed(t *testing.T) {
	t.Parallel()
	for token, operation := range map[provider.Token]string{
		provider.TokenRefuseCapture: "capture", provider.TokenRefuseRefund: "refund", provider.TokenRefuseVoid: "void",
	} {
		for _, name := range []string{
			"shop/1/" + operation + "/1", "shop%2F1%2F" + operation + "%2F1", "shop/1", "shop%2F1", "id",
		} {
			client, _ := start(t, provider.Config{})
			id := authorize(t, client, token)
			if operation == "refund" {
				client.Post(t, "/v1/payments/"+id+"/capture", "shop/1/capture/1", amount("capture", 1000))
			}
			ask := func(n string) simtest.Answer {
				return client.Post(t, "/v1/payments/"+id+"/"+operation, "shop/1/"+operation+"/"+n, amount(operation, 1000))
			}
			for range 2 {
				if answer := ask("1"); answer.Status != http.StatusPaymentRequired || answer.Code() != operation+"_refused" {
					t.Fatalf("%s: %+v", token, answer)
				}
			}
			if name == "id" {
				name = id
			}
			if answer := client.Post(t, "/v1/payments/"+name+"/allow", "", nil); answer.Status != http.StatusNoContent {
				t.Fatalf("%s: allow %s: %+v", token, name, answer)
			}
			if answer := ask("1"); answer.Code() != operation+"_refused" {
				t.Errorf("%s: the refused key changed its answer: %+v", token, answer)
			}
			if answer := ask("2"); answer.Status != http.StatusOK {
				t.Errorf("%s: after allow %s a new key has %+v", token, name, answer)
			}
		}
	}
}

func TestAllowLiftsADecline(t *testing.T) {
	t.Parallel()
	client, _ := start(t, provider.Config{})
	ask := func(n string) simtest.Answer {
		return client.Post(t, "/v1/payments", "shop/1/authorize/"+n, authorization(provider.TokenDeclined))
	}
	ask("1")
	client.Post(t, "/v1/payments/shop/1/allow", "", nil)
	if answer := ask("2"); answer.Status != http.StatusOK {
		t.Errorf("after allow: %+v", answer)
	}
	if answer := ask("1"); answer.Code() != "card_declined" {
		t.Errorf("the refused key: %+v", answer)
	}
}

func TestAllowOfNothing(t *testing.T) {
	t.Parallel()
	client, _ := start(t, provider.Config{})
	for _, name := range []string{"shop/1", "shop/1/capture/1", "pay_none", "shop%2F1"} {
		if answer := client.Post(t, "/v1/payments/"+name+"/allow", "", nil); answer.Status != http.StatusNotFound {
			t.Errorf("allow %s: %+v", name, answer)
		}
	}
}

// wayTo goes the way that leads to an operation, over any fault, and returns how to ask for it.
func wayTo(t testing.TB, client *simtest.Client, token provider.Token, operation string) (path, key string, body any) {
	t.Helper()
	if operation == "authorize" {
		return "/v1/payments", "shop/1/authorize/1", authorization(token)
	}
	id := authorize(t, client, token)
	path = "/v1/payments/" + id + "/"
	if operation == "refund" {
		for range 2 { // the first may fail
			_, _ = client.TryPost(t, path+"capture", "shop/1/capture/1", amount("capture", 1000))
		}
	}
	return path + operation, "shop/1/" + operation + "/1", amount(operation, 1000)
}

func TestUnansweredIsDoneOnceAndAnsweredLater(t *testing.T) {
	t.Parallel()
	for token, unanswered := range map[provider.Token][]string{
		provider.TokenUnanswered:          {"authorize", "capture", "refund", "void"},
		provider.TokenUnansweredAuthorize: {"authorize"},
		provider.TokenUnansweredCapture:   {"capture"},
		provider.TokenUnansweredRefund:    {"refund"},
		provider.TokenUnansweredVoid:      {"void"},
	} {
		for _, operation := range []string{"authorize", "capture", "refund", "void"} {
			client, _ := start(t, provider.Config{})
			path, key, body := wayTo(t, client, token, operation)
			answered := !strings.Contains(strings.Join(unanswered, " "), operation)
			if answered {
				if answer := client.Post(t, path, key, body); answer.Status != http.StatusOK {
					t.Errorf("%s %s: %+v", token, operation, answer)
				}
				continue
			}
			client.PostUnanswered(t, path, key, body)
			outcome := simtest.Into[provider.OperationOutcome](t, client.Get(t, "/v1/operations/"+key))
			if outcome.Status != "succeeded" || string(outcome.Operation) != operation {
				t.Errorf("%s %s: the operation is %+v", token, operation, outcome)
			}
			answer := client.Post(t, path, key, body)
			if got := simtest.Into[provider.Result](t, answer); answer.Status != http.StatusOK ||
				!cmp.Equal(&got, outcome.Result) {
				t.Errorf("%s %s: the repeat has %+v, the operation %+v", token, operation, answer, outcome.Result)
			}
			done := payment(t, client, outcome.Payment)
			if count := strings.Count(listOperations(done), operation+" "); count != 1 {
				t.Errorf("%s: %d times %s: %+v", token, count, operation, done)
			}
		}
	}
}

func listOperations(of provider.Payment) (list string) {
	for _, done := range of.Operations {
		list += string(done.Operation) + " " + done.Status + ", "
	}
	return list
}

func TestFailsOnceDoesNothingFirst(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"authorize", "capture", "refund", "void"} {
		client, _ := start(t, provider.Config{})
		path, key, body := wayTo(t, client, provider.TokenFailsOnce, operation)
		answer := client.Post(t, path, key, body)
		if answer.Status != http.StatusInternalServerError || answer.Code() != "failed_once" {
			t.Fatalf("%s: %+v", operation, answer)
		}
		if answer := client.Get(t, "/v1/operations/"+key); answer.Status != http.StatusNotFound {
			t.Errorf("%s: something was done: %+v", operation, answer)
		}
		for range 2 {
			if answer := client.Post(t, path, key, body); answer.Status != http.StatusOK {
				t.Errorf("%s: the repeat has %+v", operation, answer)
			}
		}
	}
}

func TestSlowIsDoneAtOnceAndAnsweredLate(t *testing.T) {
	t.Parallel()
	const slow = 300 * time.Millisecond
	client, _ := start(t, provider.Config{SlowAnswer: slow})
	begin := time.Now()
	var both sync.WaitGroup
	answers := make([]simtest.Answer, 2)
	for i := range answers {
		both.Go(func() {
			answers[i] = client.Post(t, "/v1/payments", "shop/1/authorize/1", authorization(provider.TokenSlow))
			if took := time.Since(begin); took < slow {
				t.Errorf("answered after %s", took)
			}
		})
	}
	simtest.Eventually(t, "the operation is done", func() bool {
		return client.Get(t, "/v1/operations/shop/1/authorize/1").Status == http.StatusOK
	})
	if took := time.Since(begin); took >= slow {
		t.Logf("the operation was seen only after %s", took)
	}
	both.Wait()
	if answers[0] != answers[1] || answers[0].Status != http.StatusOK {
		t.Errorf("answers: %+v", answers)
	}
}

func TestStoppingWaitsForNoSlowAnswer(t *testing.T) {
	t.Parallel()
	client, stop := start(t, provider.Config{SlowAnswer: time.Hour})
	answered := make(chan error, 1)
	go func() {
		_, err := client.TryPost(t, "/v1/payments", "shop/1/authorize/1", authorization(provider.TokenSlow))
		answered <- err
	}()
	simtest.Eventually(t, "the operation is done", func() bool {
		return client.Get(t, "/v1/operations/shop/1/authorize/1").Status == http.StatusOK
	})
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if err := <-answered; err == nil {
		t.Error("a request was answered that could not be")
	}
}

func TestOneKeyAtTheSameTimeIsOneOperation(t *testing.T) {
	t.Parallel()
	for _, token := range []provider.Token{provider.TokenOK, provider.TokenDeclined} {
		client, _ := start(t, provider.Config{Data: t.TempDir()})
		answers := make([]simtest.Answer, 40)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				answers[i] = client.Post(t, "/v1/payments", "shop/1/authorize/1", authorization(token))
			})
		}
		all.Wait()
		for _, answer := range answers {
			if answer != answers[0] {
				t.Fatalf("%s: two answers: %+v and %+v", token, answers[0], answer)
			}
		}
		page := simtest.Into[provider.PaymentPage](t, client.Get(t, "/v1/payments"))
		if len(page.Payments) != 1 || len(page.Payments[0].Operations) != 1 {
			t.Errorf("%s: the books are %+v", token, page)
		}
	}
}

func TestAKeyIsForOneRequest(t *testing.T) {
	t.Parallel()
	client, _ := start(t, provider.Config{})
	id := authorize(t, client, provider.TokenOK)
	other := client.Post(t, "/v1/payments", "shop/2/authorize/1",
		provider.AuthorizeRequest{Reference: "shop/2", Amount: euros(1000), Token: provider.TokenOK})
	client.Post(t, "/v1/payments/"+id+"/capture", "shop/1/capture/1", amount("capture", 1000))

	changed := func(change func(*provider.AuthorizeRequest)) provider.AuthorizeRequest {
		body := authorization(provider.TokenOK)
		change(&body)
		return body
	}
	for name, request := range map[string]struct {
		path, key string
		body      any
	}{
		"amount":    {"/v1/payments", "shop/1/authorize/1", changed(func(r *provider.AuthorizeRequest) { r.Amount.Amount++ })},
		"currency":  {"/v1/payments", "shop/1/authorize/1", changed(func(r *provider.AuthorizeRequest) { r.Amount.Currency = "USD" })},
		"token":     {"/v1/payments", "shop/1/authorize/1", changed(func(r *provider.AuthorizeRequest) { r.Token = provider.TokenDeclined })},
		"reference": {"/v1/payments", "shop/1/authorize/1", changed(func(r *provider.AuthorizeRequest) { r.Reference = "shop/3" })},
		"operation": {"/v1/payments/" + id + "/refund", "shop/1/capture/1", amount("refund", 1000)},
		"void":      {"/v1/payments/" + id + "/void", "shop/1/capture/1", nil},
		"captured":  {"/v1/payments/" + id + "/capture", "shop/1/capture/1", amount("capture", 999)},
		"payment": {
			"/v1/payments/" + simtest.Into[provider.Result](t, other).ID + "/capture", "shop/1/capture/1",
			amount("capture", 1000),
		},
	} {
		if answer := client.Post(t, request.path, request.key, request.body); answer.Status != http.StatusConflict ||
			answer.Code() != "key_reused" {
			t.Errorf("another %s under the same key: %+v", name, answer)
		}
	}
}

func TestWhatTheBooksForbid(t *testing.T) {
	t.Parallel()
	dollars := provider.AmountRequest{Amount: provider.Money{Amount: 1, Currency: "USD"}}
	for name, test := range map[string]struct {
		before []string
		ask    string
		body   any
		code   string
	}{
		"capture of more than is held":    {nil, "capture", amount("capture", 1001), "amount_too_large"},
		"capture in another currency":     {nil, "capture", dollars, "currency_mismatch"},
		"a second capture":                {[]string{"capture"}, "capture", amount("capture", 1), "already_captured"},
		"capture of what is void":         {[]string{"void"}, "capture", amount("capture", 1000), "already_voided"},
		"void of what was taken":          {[]string{"capture"}, "void", nil, "already_captured"},
		"a second void":                   {[]string{"void"}, "void", nil, "already_voided"},
		"refund of what is only held":     {nil, "refund", amount("refund", 1), "not_captured"},
		"refund of more than was taken":   {[]string{"capture"}, "refund", amount("refund", 1001), "amount_too_large"},
		"refund of what was given back":   {[]string{"capture", "refund"}, "refund", amount("refund", 1), "amount_too_large"},
		"refund in another currency":      {[]string{"capture"}, "refund", dollars, "currency_mismatch"},
		"void of what was given back":     {[]string{"capture", "refund"}, "void", nil, "already_captured"},
		"capture of what was given back":  {[]string{"capture", "refund"}, "capture", amount("capture", 1), "already_captured"},
		"refund of what is void, by some": {[]string{"void"}, "refund", amount("refund", 1), "not_captured"},
	} {
		client, _ := start(t, provider.Config{})
		id := authorize(t, client, provider.TokenOK)
		path := "/v1/payments/" + id + "/"
		for _, operation := range test.before {
			if answer := client.Post(t, path+operation, "before/"+operation, amount(operation, 1000)); answer.Status != http.StatusOK {
				t.Fatalf("%s: %s: %+v", name, operation, answer)
			}
		}
		before := payment(t, client, id)
		for range 2 {
			answer := client.Post(t, path+test.ask, "asked", test.body)
			if answer.Status != http.StatusPaymentRequired || answer.Code() != test.code {
				t.Errorf("%s: %+v, want %s", name, answer, test.code)
			}
		}
		after := payment(t, client, id)
		if len(after.Operations) != len(before.Operations)+1 {
			t.Errorf("%s: the refusal is not in the books once: %+v", name, after.Operations)
		}
		after.Operations = before.Operations
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s changed the payment: %s", name, diff)
		}
	}
}

func TestAHoldExpires(t *testing.T) {
	t.Parallel()
	client, _ := start(t, provider.Config{AuthorizationLifetime: time.Nanosecond})
	id := authorize(t, client, provider.TokenOK)
	if got := payment(t, client, id); got.Status != "expired" || got.Held {
		t.Errorf("the payment is %+v", got)
	}
	for _, operation := range []string{"capture", "void"} {
		answer := client.Post(t, "/v1/payments/"+id+"/"+operation, "shop/1/"+operation+"/1", amount(operation, 1000))
		if answer.Status != http.StatusPaymentRequired || answer.Code() != "authorization_expired" {
			t.Errorf("%s: %+v", operation, answer)
		}
	}
}

func TestOperationsAreFoundByKey(t *testing.T) {
	t.Parallel()
	client, _ := start(t, provider.Config{})
	id := authorize(t, client, provider.TokenOK)
	for _, key := range []string{"shop/1/authorize/1", "shop%2F1%2Fauthorize%2F1"} {
		outcome := simtest.Into[provider.OperationOutcome](t, client.Get(t, "/v1/operations/"+key))
		if outcome.Key != "shop/1/authorize/1" || outcome.Payment != id || outcome.Result.ID != id || outcome.At.IsZero() {
			t.Errorf("%s: %+v", key, outcome)
		}
	}
	if answer := client.Get(t, "/v1/operations/shop/2/authorize/1"); answer.Status != http.StatusNotFound ||
		answer.Code() != "unknown_key" {
		t.Errorf("a key that was never seen: %+v", answer)
	}
}

func TestTheBooksAreReadInPages(t *testing.T) {
	t.Parallel()
	client, _ := start(t, provider.Config{})
	for _, reference := range []string{"a/1", "b/1", "a/2", "a/1"} {
		client.Post(t, "/v1/payments", reference+time.Now().String(),
			provider.AuthorizeRequest{Reference: reference, Amount: euros(1), Token: provider.TokenOK})
	}
	references := func(query string) (got []string) {
		for cursor := ""; ; {
			page := simtest.Into[provider.PaymentPage](t, client.Get(t, "/v1/payments?limit=2&"+query+"&cursor="+cursor))
			for _, each := range page.Payments {
				got = append(got, each.Reference)
			}
			if cursor = page.Next; cursor == "" {
				return got
			}
		}
	}
	for query, want := range map[string][]string{
		"": {"a/1", "b/1", "a/2", "a/1"}, "tenant=a": {"a/1", "a/2", "a/1"}, "reference=a/1": {"a/1", "a/1"},
		"reference=b%2F1": {"b/1"}, "tenant=c": nil,
	} {
		if diff := cmp.Diff(want, references(query)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestEverythingSurvivesARestart(t *testing.T) {
	t.Parallel()
	config := provider.Config{Data: t.TempDir()}
	client, stop := start(t, config)
	type asked struct {
		path, key string
		body      any
		answer    simtest.Answer
	}
	var all []asked
	ask := func(path, key string, body any) simtest.Answer {
		answer := client.Post(t, path, key, body)
		all = append(all, asked{path, key, body, answer})
		return answer
	}
	id := simtest.Into[provider.Result](t, ask("/v1/payments", "shop/1/authorize/1", authorization(provider.TokenRefuseCapture))).ID
	ask("/v1/payments/"+id+"/capture", "shop/1/capture/1", amount("capture", 1000))
	client.Post(t, "/v1/payments/shop/1/allow", "", nil)
	ask("/v1/payments", "shop/2/authorize/1", provider.AuthorizeRequest{Reference: "shop/2", Amount: euros(1), Token: "tok_of_somebody"})
	failing := provider.AuthorizeRequest{Reference: "shop/3", Amount: euros(1), Token: provider.TokenFailsOnce}
	client.Post(t, "/v1/payments", "shop/3/authorize/1", failing)
	unanswered := provider.AuthorizeRequest{Reference: "shop/4", Amount: euros(1), Token: provider.TokenUnanswered}
	client.PostUnanswered(t, "/v1/payments", "shop/4/authorize/1", unanswered)
	before := client.Get(t, "/v1/payments")
	stop()

	client, stop = start(t, config)
	if after := client.Get(t, "/v1/payments"); after != before {
		t.Errorf("the books were\n%s\nand are\n%s", before.Body, after.Body)
	}
	for _, each := range all {
		if answer := client.Post(t, each.path, each.key, each.body); answer != each.answer {
			t.Errorf("%s had %+v and has %+v", each.key, each.answer, answer)
		}
	}
	for key, body := range map[string]any{"shop/3/authorize/1": failing, "shop/4/authorize/1": unanswered} {
		if answer := client.Post(t, "/v1/payments", key, body); answer.Status != http.StatusOK {
			t.Errorf("the repeat of %s has %+v", key, answer)
		}
	}
	if answer := client.Post(t, "/v1/payments/"+id+"/capture", "shop/1/capture/2", amount("capture", 1000)); answer.Status != http.StatusOK {
		t.Errorf("what was allowed is refused: %+v", answer)
	}
	stop()

	raw, err := os.ReadFile(filepath.Join(config.Data, "provider.jsonl"))
	if err != nil || bytes.Contains(raw, []byte("tok_of_somebody")) {
		t.Errorf("the books hold somebody's token (%v)", err)
	}
}

func TestWrongRequestsAreProblems(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	client, stop := start(t, provider.Config{
		Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	id := authorize(t, client, provider.TokenOK)
	const secret = "tok_secret"
	body := func(fields string) string {
		return `{"reference":"shop/9","amount":{"amount":1,"currency":"EUR"},"token":"` + secret + `"` + fields + `}`
	}
	for name, test := range map[string]struct {
		path, key, body string
		status          int
		code            string
	}{
		"no key":          {"/v1/payments", "", body(""), 400, "key_missing"},
		"a long key":      {"/v1/payments", strings.Repeat("k", 256), body(""), 400, "key_too_long"},
		"no body":         {"/v1/payments", "k", "", 400, "invalid_request"},
		"no JSON":         {"/v1/payments", "k", secret, 400, "invalid_request"},
		"half a body":     {"/v1/payments", "k", body("")[:30], 400, "invalid_request"},
		"two bodies":      {"/v1/payments", "k", body("") + body(""), 400, "invalid_request"},
		"another field":   {"/v1/payments", "k", body(`,"` + secret + `":1`), 400, "invalid_request"},
		"another type":    {"/v1/payments", "k", `{"token":7}`, 400, "invalid_request"},
		"no token":        {"/v1/payments", "k", `{"reference":"a/1","amount":{"amount":1,"currency":"EUR"}}`, 400, "invalid_request"},
		"no reference":    {"/v1/payments", "k", `{"token":"t","amount":{"amount":1,"currency":"EUR"}}`, 400, "invalid_request"},
		"no amount":       {"/v1/payments", "k", `{"reference":"a/1","token":"t"}`, 400, "invalid_request"},
		"a debt":          {"/v1/payments/" + id + "/capture", "k", `{"amount":{"amount":-1,"currency":"EUR"}}`, 400, "invalid_request"},
		"a fraction":      {"/v1/payments/" + id + "/refund", "k", `{"amount":{"amount":1.5,"currency":"EUR"}}`, 400, "invalid_request"},
		"small letters":   {"/v1/payments/" + id + "/capture", "k", `{"amount":{"amount":1,"currency":"eur"}}`, 400, "invalid_request"},
		"amount to void":  {"/v1/payments/" + id + "/void", "k", `{"amount":{"amount":1,"currency":"EUR"}}`, 400, "invalid_request"},
		"void, no key":    {"/v1/payments/" + id + "/void", "", "", 400, "key_missing"},
		"capture, no key": {"/v1/payments/" + id + "/capture", "", "", 400, "key_missing"},
		"much":            {"/v1/payments", "k", `{"token":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "body_too_large"},
		"no payment":      {"/v1/payments/pay_none/capture", "k", `{"amount":{"amount":1,"currency":"EUR"}}`, 404, "unknown_payment"},
		"no route":        {"/v1/payments/" + id + "/steal", "k", "", 404, "unknown_route"},
		"no root":         {"/", "k", "", 404, "unknown_route"},
	} {
		answer := client.Post(t, test.path, test.key, test.body)
		if answer.Status != test.status || answer.Code() != test.code || answer.Type != "application/problem+json" {
			t.Errorf("%s: %+v", name, answer)
		}
		if strings.Contains(answer.Body, secret) {
			t.Errorf("%s: the answer has the token: %s", name, answer.Body)
		}
	}
	for path, status := range map[string]int{
		"/v1/payments?limit=0": 400, "/v1/payments?cursor=x": 400, "/v1/payments/pay_none": 404, "/v1": 404,
		"/healthz": 200,
	} {
		if answer := client.Get(t, path); answer.Status != status {
			t.Errorf("GET %s: %+v", path, answer)
		}
	}
	client.Post(t, "/v1/payments", "shop/9/authorize/1", body(""))
	stop()
	if !strings.Contains(logged.String(), "shop/9/authorize/1") || strings.Contains(logged.String(), secret) {
		t.Errorf("the log is not as it should be:\n%s", logged.String())
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	inUse := t.TempDir()
	start(t, provider.Config{Data: inUse})
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "provider.jsonl"),
		[]byte(`{"kind":"operation","operation":"capture","payment":"pay_none"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, config := range map[string]provider.Config{
		"address already in use": {Listen: taken.Addr().String()},
		"in use by another":      {Listen: "127.0.0.1:0", Data: inUse},
		"damaged":                {Listen: "127.0.0.1:0", Data: damaged},
		"SlowAnswer":             {SlowAnswer: -1},
		"AuthorizationLifetime":  {AuthorizationLifetime: -1},
	} {
		if _, err := provider.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want %q", err, want)
		}
	}
}

func TestAListenerMayBeGivenAndLetGo(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := provider.New(provider.Config{Listener: listener})
	if err != nil {
		t.Fatal(err)
	}
	if server.Addr() != listener.Addr().String() {
		t.Errorf("Addr = %s", server.Addr())
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := net.Listen("tcp", server.Addr())
	if err != nil {
		t.Fatalf("the address was not let go: %v", err)
	}
	_ = again.Close()
}

func BenchmarkAuthorize(b *testing.B) {
	client, _ := start(b, provider.Config{Data: b.TempDir()})
	defer simtest.ReportCPU(b)()
	b.SetParallelism(16)
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			order := "shop/" + strings.ToLower(rand.Text())
			answer := client.Post(b, "/v1/payments", order+"/authorize/1",
				provider.AuthorizeRequest{Reference: order, Amount: euros(1000), Token: provider.TokenOK})
			if answer.Status != http.StatusOK {
				b.Errorf("authorize: %+v", answer)
			}
		}
	})
}
