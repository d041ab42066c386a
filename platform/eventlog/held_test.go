package eventlog_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/eventlog"
)

func parkRow(t testing.TB, pool *pgxpool.Pool, tenant, subject string, ordered bool) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), `INSERT INTO parked_messages (id, topic, headers, tenant, subject, message_id, event_type, error, ordered)
		VALUES (gen_random_uuid(), 'topic', '{}', $1, $2, '', '', '', $3)`, tenant, subject, ordered); err != nil {
		t.Fatal(err)
	}
}

func about(subject, message string) eventlog.Request {
	r := request(move(subject, 1))
	r.Subject, r.Message = subject, message
	return r
}

// Where messages of a subject are parked, those behind them decide nothing, in a shared commit and singly. Others do,
// and what had been handled stays handled.
func TestWhatIsBehindAParkedMessageIsHeld(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	must(t, log, about("held", "before"))
	parkRow(t, pool, "default", "held", true)
	parkRow(t, pool, "other", "elsewhere", true)    // of another tenant
	parkRow(t, pool, "default", "unordered", false) // such as a webhook
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			subject := []string{"held", "elsewhere", "unordered"}[i%3]
			result, err := log.Handle(t.Context(), about(subject, fmt.Sprint(i)))
			if err != nil || result.Held != (subject == "held") || result.Duplicate || result.Held == (len(result.Facts) > 0) {
				t.Errorf("%s: %+v, %v", subject, result, err)
			}
		})
	}
	all.Wait()
	if result := must(t, log, about("held", "before")); !result.Duplicate || result.Held {
		t.Errorf("what had been handled: %+v", result)
	}
	unasked := about("held", "redriven")
	unasked.Subject = ""
	if result := must(t, log, unasked); result.Held || len(result.Facts) != 1 {
		t.Errorf("what does not ask: %+v", result)
	}
	if _, err := pool.Exec(t.Context(), "UPDATE parked_messages SET state = 'redriven'"); err != nil {
		t.Fatal(err)
	}
	if result := must(t, log, about("held", "0")); result.Held || result.Duplicate {
		t.Errorf("after the redrive: %+v", result)
	}
	if got, _ := balance(t, log, "held"); got != 3 {
		t.Errorf("balance %d, want one each of before, redriven and 0", got)
	}
}

// What led a command to further streams is not looked at where it is held.
func TestAHeldCommandIsLedNowhere(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	must(t, log, request(move("from", 10)))
	parkRow(t, pool, "default", "t-1", true)
	r := request(transfer("t-1", "from", "to", 10))
	r.Subject, r.Message = "t-1", "m-1"
	if result := must(t, log, r); !result.Held {
		t.Errorf("%+v", result)
	}
	if got, _ := balance(t, log, "from"); got != 10 {
		t.Errorf("balance %d", got)
	}
}
