package mailbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/smtp"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wneessen/go-mail"

	"waybill.dev/simulators/internal/simtest"
	"waybill.dev/simulators/mailbox"
)

// box is a mailbox that runs.
type box struct {
	*simtest.Client
	smtp string
	stop func()
}

func start(t testing.TB, config mailbox.Config) box {
	t.Helper()
	config.Listen, config.ListenSMTP = "127.0.0.1:0", "127.0.0.1:0"
	server, err := mailbox.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return box{stop: simtest.Run(t, server), Client: simtest.NewClient(t, server.URL()), smtp: server.SMTPAddr()}
}

// send sends a mail as it is.
func (b box) send(raw string, to ...string) error {
	return smtp.SendMail(b.smtp, nil, "shop@waybill.example", to, []byte(raw))
}

func (b box) mails(t testing.TB, query string) []mailbox.Mail {
	t.Helper()
	answer := b.Get(t, "/v1/mails?"+query)
	if answer.Status != http.StatusOK {
		t.Fatalf("GET mails %s: %+v", query, answer)
	}
	return simtest.Into[mailbox.MailPage](t, answer).Mails
}

func raw(messageID, order string) string {
	return "From: Shop <shop@waybill.example>\r\nTo: <customer@mail.example>\r\nMessage-ID: <" + messageID +
		">\r\nSubject: Your order\r\nX-Waybill-Tenant: shop\r\nX-Waybill-Order: " + order + "\r\n\r\nThank you.\r\n"
}

// smtpCode returns the code of the answer to a mail that was not taken, zero where there was no answer.
func smtpCode(err error) int {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return answer.Code
	}
	return 0
}

func TestAMailOfARealClientIsKeptWhole(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	message := mail.NewMsg()
	if err := errors.Join(message.FromFormat("Wäybill", "shop@waybill.example"), message.To("customer@mail.example"),
		message.Bcc("archive@mail.example")); err != nil {
		t.Fatal(err)
	}
	message.Subject("Dein Päckchen ist unterwegs, und die Betreffzeile ist länger als eine Zeile es sein darf")
	message.SetMessageIDWithValue("order-1.shipped@waybill.example")
	message.SetGenHeader("X-Waybill-Tenant", "shop")
	message.SetGenHeader("X-Waybill-Order", "1")
	const text = "Grüße!\r\nEs kommt bald = morgen.\r\n"
	message.SetBodyString(mail.TypeTextPlain, text)
	message.AddAlternativeString(mail.TypeTextHTML, "<p>Grüße!</p>")

	host, port, err := net.SplitHostPort(box.smtp)
	if err != nil {
		t.Fatal(err)
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	client, err := mail.NewClient(host, mail.WithPort(number), mail.WithTLSPolicy(mail.NoTLS))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.DialAndSendWithContext(t.Context(), message); err != nil {
		t.Fatal(err)
	}

	mails := box.mails(t, "")
	if len(mails) != 1 {
		t.Fatalf("mails: %+v", mails)
	}
	got := mails[0]
	if got.From != "shop@waybill.example" || got.MessageID != "order-1.shipped@waybill.example" || got.Text != text ||
		!cmp.Equal(got.To, []string{"customer@mail.example", "archive@mail.example"}) || got.ReceivedAt.IsZero() ||
		got.Subject != "Dein Päckchen ist unterwegs, und die Betreffzeile ist länger als eine Zeile es sein darf" ||
		!cmp.Equal(got.Headers["X-Waybill-Order"], []string{"1"}) ||
		!strings.Contains(got.Headers["From"][0], "Wäybill") {
		t.Errorf("the mail is %+v", got)
	}
	one := box.Get(t, "/v1/mails/"+got.ID)
	if diff := cmp.Diff(got, simtest.Into[mailbox.Mail](t, one)); diff != "" {
		t.Errorf("the list and the mail differ: %s", diff)
	}
	whole := box.Get(t, "/v1/mails/"+got.ID+"/raw")
	if whole.Type != "message/rfc822" || whole.Body != strings.TrimSpace(got.Raw) ||
		!strings.Contains(got.Raw, "Content-Transfer-Encoding: quoted-printable") {
		t.Errorf("raw: %+v", whole)
	}
}

func TestMailsAreFound(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	for i, order := range []string{"1", "2", "1", "3"} {
		if err := box.send(raw(fmt.Sprintf("m%d@waybill.example", i), order), "customer"+order+"@mail.example"); err != nil {
			t.Fatal(err)
		}
	}
	if err := box.send("Message-ID: <m4@waybill.example>\r\nX-Waybill-Order: 1\r\n\r\nNo tenant.\r\n",
		"customer1@mail.example", "other@mail.example"); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"":                             {"m0", "m1", "m2", "m3", "m4"},
		"to=customer1@mail.example":    {"m0", "m2", "m4"},
		"to=OTHER@mail.example":        {"m4"},
		"to=nobody@mail.example":       nil,
		"messageId=m1@waybill.example": {"m1"},
		"messageId=" + url.QueryEscape("<m1@waybill.example>"): {"m1"},
		"tenant=shop&order=1":               {"m0", "m2"},
		"tenant=shop":                       {"m0", "m1", "m2", "m3"},
		"order=1":                           {"m0", "m2", "m4"},
		"tenant=other&order=1":              nil,
		"header=x-waybill-order:3":          {"m3"},
		"header=Subject:Your%20order":       {"m0", "m1", "m2", "m3"},
		"header=Subject:Your":               nil,
		"header=Subject:Your+order&order=2": {"m1"},
		"header=Subject:Your+order&header=X-Waybill-Order:1": {"m0", "m2"},
	} {
		var all, paged []string
		for _, each := range box.mails(t, query) {
			all = append(all, strings.TrimSuffix(each.MessageID, "@waybill.example"))
		}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
		for cursor := ""; ; {
			page := simtest.Into[mailbox.MailPage](t, box.Get(t, "/v1/mails?limit=1&cursor="+cursor+"&"+query))
			for _, each := range page.Mails {
				paged = append(paged, strings.TrimSuffix(each.MessageID, "@waybill.example"))
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(want, paged); diff != "" {
			t.Errorf("%q in pages (-want +got):\n%s", query, diff)
		}
	}
}

func TestARefusedRecipient(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	for _, to := range []string{"refused@mail.example", "Refused@mail.example"} {
		if err := box.send(raw("m@x", "1"), to); smtpCode(err) != 550 {
			t.Errorf("%s: %v", to, err)
		}
	}
	if mails := box.mails(t, ""); len(mails) != 0 {
		t.Errorf("kept %+v", mails)
	}
}

func TestFailsOnceForEachMessage(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	noID := "Subject: no id\r\n\r\nBody\r\n"
	for i, message := range []string{raw("m1@x", "1"), raw("m2@x", "1"), noID} {
		if err := box.send(message, "customer@mail.example", "fails-once@mail.example"); smtpCode(err) != 451 {
			t.Errorf("the first try: %v", err)
		}
		if kept := box.mails(t, ""); len(kept) != i {
			t.Errorf("the first try was kept: %+v", kept)
		}
		if err := box.send(message, "customer@mail.example", "fails-once@mail.example"); err != nil {
			t.Errorf("the second try: %v", err)
		}
	}
}

func TestUnansweredIsKeptAndASecondTryIsAnswered(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	for try, want := range []bool{false, true, true} {
		err := box.send(raw("m1@x", "1"), "unanswered@mail.example")
		if answered := err == nil; answered != want || smtpCode(err) != 0 {
			t.Errorf("try %d: %v", try+1, err)
		}
		if copies := box.mails(t, "messageId=m1@x"); len(copies) != try+1 {
			t.Errorf("after try %d there are %d copies", try+1, len(copies))
		}
	}
}

func TestOneConnectionTakesManyMails(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	client, err := smtp.Dial(box.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	for i := range 3 {
		if err := client.Mail("shop@waybill.example"); err != nil {
			t.Fatal(err)
		}
		if err := client.Rcpt(fmt.Sprintf("customer%d@mail.example", i)); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if err := client.Reset(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		data, err := client.Data()
		if err != nil {
			t.Fatal(err)
		}
		_, err = data.Write([]byte(raw(fmt.Sprintf("m%d@x", i), "1")))
		if err := errors.Join(err, data.Close()); err != nil {
			t.Fatal(err)
		}
	}
	var to []string
	for _, each := range box.mails(t, "") {
		to = append(to, each.To...)
	}
	if !cmp.Equal(to, []string{"customer0@mail.example", "customer2@mail.example"}) {
		t.Errorf("mails to %v", to)
	}
}

func TestManyAtTheSameTime(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{Data: t.TempDir()})
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			if err := box.send(raw(fmt.Sprintf("m%d@x", i), "1"), "customer@mail.example"); err != nil {
				t.Error(err)
			}
			if found := box.mails(t, fmt.Sprintf("messageId=m%d@x", i)); len(found) != 1 {
				t.Errorf("mail %d is there %d times", i, len(found))
			}
		})
	}
	all.Wait()
	if mails := box.mails(t, "tenant=shop&order=1"); len(mails) != 40 {
		t.Errorf("%d mails", len(mails))
	}
}

func TestWhatIsNoMailIsKeptAllTheSame(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	bodies := []string{
		"no header at all\r\n", "\r\n", "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
		"Content-Type: text/html\r\n\r\n<p>\r\n", "Content-Type: text/plain; charset=unheard-of\r\n\r\nText\r\n",
		"Content-Transfer-Encoding: unheard-of\r\n\r\nText\r\n", "Subject: \xff\xfe\r\n\r\n\xff\r\n",
	}
	for _, body := range bodies {
		if err := box.send(body, "customer@mail.example"); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
	mails := box.mails(t, "")
	if len(mails) != len(bodies) {
		t.Fatalf("%d of %d kept", len(mails), len(bodies))
	}
	for i, each := range mails {
		whole := box.Get(t, "/v1/mails/"+each.ID+"/raw")
		if want := strings.TrimSpace(bodies[i]); whole.Body != want {
			t.Errorf("%q was kept as %q", want, whole.Body)
		}
	}
	if mails[4].Text != "Text\r\n" {
		t.Errorf("text in an unknown character set: %q", mails[4].Text)
	}
}

func TestAMailTooLarge(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	if err := box.send(raw("m@x", "1")+strings.Repeat(strings.Repeat("x", 78)+"\r\n", 1<<20/80+1), "a@mail.example"); smtpCode(err) != 552 {
		t.Errorf("%v", err)
	}
	if mails := box.mails(t, ""); len(mails) != 0 {
		t.Errorf("kept %d", len(mails))
	}
}

func TestEverythingSurvivesARestart(t *testing.T) {
	t.Parallel()
	config := mailbox.Config{Data: t.TempDir()}
	before := start(t, config)
	_ = before.send(raw("m1@x", "1"), "customer@mail.example")
	_ = before.send(raw("m2@x", "2"), "fails-once@mail.example")
	_ = before.send(raw("m3@x", "3"), "unanswered@mail.example")
	kept := before.Get(t, "/v1/mails")
	before.stop()

	after := start(t, config)
	if now := after.Get(t, "/v1/mails"); now != kept {
		t.Errorf("the mails were\n%s\nand are\n%s", kept.Body, now.Body)
	}
	for id, to := range map[string]string{"m2@x": "fails-once@mail.example", "m3@x": "unanswered@mail.example"} {
		if err := after.send(raw(id, "2"), to); err != nil {
			t.Errorf("the second try of %s: %v", id, err)
		}
	}
	if found := after.mails(t, "tenant=shop&order=1"); len(found) != 1 || found[0].MessageID != "m1@x" {
		t.Errorf("found %+v", found)
	}
}

func TestStoppingWaitsForNoIdleClient(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	client, err := smtp.Dial(box.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	box.stop()
	if err := client.Noop(); err == nil {
		t.Error("the connection outlived the server")
	}
}

func TestWrongRequestsAreProblems(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Config{})
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/v1/mails?limit=x":        {400, "invalid_request"},
		"/v1/mails?cursor=x":       {400, "invalid_request"},
		"/v1/mails?header=Subject": {400, "invalid_request"},
		"/v1/mails/mail_none":      {404, "unknown_mail"},
		"/v1/mails/mail_none/raw":  {404, "unknown_mail"},
		"/v1/letters":              {404, "unknown_route"},
	} {
		if answer := box.Get(t, path); answer.Status != want.status || answer.Code() != want.code ||
			answer.Type != "application/problem+json" {
			t.Errorf("GET %s: %+v", path, answer)
		}
	}
	if answer := box.Get(t, "/healthz"); answer.Status != http.StatusOK {
		t.Errorf("healthz: %+v", answer)
	}
}

func TestTheLogHasNoAddresses(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	box := start(t, mailbox.Config{
		Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	for _, to := range []string{"customer", "refused", "fails-once", "unanswered"} {
		_ = box.send(raw("m@x", "1"), to+"@mail.example")
	}
	box.mails(t, "to=customer@mail.example")
	box.stop()
	if text := logged.String(); strings.Contains(text, "mail.example") || strings.Contains(text, "Thank you") ||
		!strings.Contains(text, "messageId=m@x") {
		t.Errorf("the log is not as it should be:\n%s", text)
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
	start(t, mailbox.Config{Data: inUse})
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "mailbox.jsonl"), []byte("{\"at\":7}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const free = "127.0.0.1:0"
	for _, test := range []struct {
		want   string
		config mailbox.Config
	}{
		{"address already in use", mailbox.Config{Listen: taken.Addr().String(), ListenSMTP: free}},
		{"address already in use", mailbox.Config{Listen: free, ListenSMTP: taken.Addr().String()}},
		{"in use by another", mailbox.Config{Listen: free, ListenSMTP: free, Data: inUse}},
		{"damaged", mailbox.Config{Listen: free, ListenSMTP: free, Data: damaged}},
	} {
		if _, err := mailbox.New(test.config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New = %v, want %q", err, test.want)
		}
	}
}

func TestListenersMayBeGivenAndLetGo(t *testing.T) {
	t.Parallel()
	var listeners []net.Listener
	for range 2 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, listener)
	}
	server, err := mailbox.New(mailbox.Config{Listener: listeners[0], ListenerSMTP: listeners[1]})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{server.Addr(), server.SMTPAddr()}
	if want := []string{listeners[0].Addr().String(), listeners[1].Addr().String()}; !slices.Equal(got, want) {
		t.Errorf("the addresses are %v, want %v", got, want)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkTakeMail(b *testing.B) {
	box := start(b, mailbox.Config{Data: b.TempDir()})
	message := raw("m@x", "1") + strings.Repeat("A line of a mail.\r\n", 50)
	defer simtest.ReportCPU(b)()
	b.SetParallelism(8)
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			if err := box.send(message, "customer@mail.example"); err != nil {
				b.Error(err)
			}
		}
	})
}
