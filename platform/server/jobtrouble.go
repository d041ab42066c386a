package server

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/failure"
)

const (
	// troubleAfter is after how many failures a job shows that time alone will not mend.
	troubleAfter = 3
	// troublesTold is how many such jobs are named.
	troublesTold = 3
)

// jobName is a job as people know it.
type jobName struct{ kind, tenant, subject string }

func (n jobName) String() string {
	return n.kind + " of " + strings.TrimPrefix(n.tenant+"/"+n.subject, "/")
}

// troubles are the jobs that have failed again and again, and not because something was away: they are done again for
// ever, and need a person or another version.
type troubles struct {
	// forget is how long a job is remembered that does not fail again here: another replica may have done it.
	forget time.Duration

	mu  sync.Mutex
	all map[jobName]trouble
}

type trouble struct {
	failures int
	class    failure.Class
	last     time.Time
}

func newTroubles(cooldowns failure.Cooldowns) *troubles {
	return &troubles{forget: 2 * (jobTimeout + slices.Max(cooldowns)), all: map[jobName]trouble{}}
}

// attempted notes how an attempt at a job ended.
func (t *troubles) attempted(job jobName, attempt int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if class := failure.Of(err); err != nil && class != failure.Transient && attempt >= troubleAfter {
		t.all[job] = trouble{attempt, class, clock.Monotonic()}
	} else {
		delete(t.all, job)
	}
}

// degraded names some of them, those first that have failed most.
func (t *troubles) degraded() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var jobs []jobName
	for job, trouble := range t.all {
		if time.Since(trouble.last) > t.forget {
			delete(t.all, job)
		} else {
			jobs = append(jobs, job)
		}
	}
	slices.SortFunc(jobs, func(a, b jobName) int {
		return cmp.Or(cmp.Compare(t.all[b].failures, t.all[a].failures), cmp.Compare(a.String(), b.String()))
	})
	var told []string
	for i, job := range jobs {
		if i == troublesTold {
			return append(told, fmt.Sprintf("jobs: %d more fail again and again", len(jobs)-i))
		}
		told = append(told, fmt.Sprintf("jobs: %s has failed %d times (%s), and is done again", job, t.all[job].failures, t.all[job].class))
	}
	return told
}
