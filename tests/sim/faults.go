package sim

import (
	"fmt"
	"strings"
)

// fault is something that went wrong outside of the policies, or that people did.
type fault int

const (
	messageAgain fault = iota
	messageAgainLate
	relayedTwice
	crashBeforeCommit
	crashAfterCommit
	crashBeforeRecording
	lostRequest
	lostAnswer
	lateAnswer
	stalledWorker
	answeredTwice
	webhookTwice
	webhookLate
	webhookLost
	outsideRefused
	holdExpired
	outOfStock
	deadline
	cancellation
	retry
	resolution
	faultKinds
)

func (f fault) String() string {
	return [faultKinds]string{
		"a message read again", "a message read again long after", "a message sent twice", "a crash before the commit",
		"a crash behind the commit", "a crash before the outcome was recorded", "a request lost", "an answer lost",
		"an answer that came late", "a worker taken for dead", "an outcome recorded twice", "a webhook sent twice",
		"a webhook that came late", "a webhook lost", "a refusal by the outside", "a hold that had expired", "a shortage",
		"a deadline passed", "a cancellation asked for", "a retry by an operator", "a resolution by hand",
	}[f]
}

// Faults are how often each has happened.
type Faults [faultKinds]int64

func (f *Faults) count(kind fault) { f[kind]++ }

func (f *Faults) add(more Faults) {
	for i, n := range more {
		f[i] += n
	}
}

// String is what has happened at all.
func (f Faults) String() string {
	var list []string
	for i, n := range f {
		if n > 0 {
			list = append(list, fmt.Sprintf("%d × %s", n, fault(i)))
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
