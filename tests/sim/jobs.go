package sim

import (
	"time"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/platform/es"
)

// job is durable work of a service: asking somebody outside, and recording the answer.
type job struct {
	service *service
	order   *purchase
	args    es.Job
	label   string
	// awaited loads what asking needs, and says whether the outcome is still awaited.
	awaited func() bool
	// ask asks outside; the answer is to be recorded.
	ask  func() answer
	done bool
}

// answer is what somebody outside has said.
type answer struct {
	// what is the answer for people and for the coverage, "capture refused".
	what string
	// record is the command that notes it.
	record func() es.Command
	// wrong is why there will never be an answer; "" where there is one.
	wrong string
}

// What may become of a job.
const (
	answered = iota
	answerLost
	requestLost
	answeredLate
	stalled
	crashBeforeRecord
	askings
)

// rescueAfter is when a job whose worker is not heard of any more is given to another.
const rescueAfter = 30 * time.Second

// begin has a job done as soon as may be.
func (w *world) begin(j *job) {
	w.at(w.now+w.delay(w.climate.work), j.service, func() { w.attempt(j) })
}

// attempt is one worker's try. A worker that is slow is taken for dead: another begins beside it.
func (w *world) attempt(j *job) {
	if j.done {
		return
	}
	if !j.awaited() {
		j.done = true // answered by a webhook, or through a worker that was taken for dead
		return
	}
	life := j.service.life
	again := func(after time.Duration) { w.at(w.now+after, j.service, func() { w.attempt(j) }) }
	switch w.tape.pick(w.climate.asking) {
	case answered:
		w.record(j, j.ask())
	case answerLost:
		w.faults.count(lostAnswer)
		w.note("%s: %s is done outside, and the answer is lost", j.service.name, j.label)
		j.ask()
		again(time.Second + w.delay(w.climate.work))
	case requestLost:
		w.faults.count(lostRequest)
		again(time.Second + w.delay(w.climate.work))
	case answeredLate:
		w.faults.count(lateAnswer)
		said := j.ask()
		w.note("%s: %s is answered late: %s", j.service.name, j.label, said.what)
		late := func() { w.record(j, said) }
		w.alive(j.service, life, w.delay(w.climate.answer), late)
		j.order.late = append(j.order.late, func() { w.alive(j.service, life, w.delay(w.climate.work), late) })
		again(rescueAfter)
	case stalled:
		w.faults.count(stalledWorker)
		w.alive(j.service, life, w.delay(w.climate.answer), func() {
			said := j.ask()
			w.alive(j.service, life, w.delay(w.climate.work), func() { w.record(j, said) })
		})
		again(rescueAfter)
	case crashBeforeRecord:
		w.faults.count(crashBeforeRecording)
		w.note("%s: %s is asked", j.service.name, j.label)
		j.ask()
		j.service.crash()
		again(rescueAfter)
	}
}

// alive does something later, if the worker that it belongs to has not died with its service.
func (w *world) alive(s *service, life int, after time.Duration, do func()) {
	w.after(after, func() {
		if s.life == life {
			do()
		}
	})
}

// record notes an answer.
func (w *world) record(j *job, said answer) {
	if said.wrong != "" {
		w.wrong(audit.BooksAgree, j.order.tenant.name, j.order.id, "%s: %s", j.label, said.wrong)
		return
	}
	if j.done {
		w.faults.count(answeredTwice)
	}
	j.done = true
	w.do(j.service, j.order, said.what, said.record(), "job:"+j.label)
}

// do runs a command that is no reaction to a message, and says whether it was taken.
func (w *world) do(s *service, o *purchase, what string, c es.Command, cause string) bool {
	w.seen.count(s.name, what, s.classOf(o))
	d, err := s.run(c, cause)
	switch {
	case err != nil && !refused(err), err != nil && s.index == shippingPart && !asked(what):
		w.wrong(audit.AllSaid, o.tenant.name, o.id, "%s cannot take %q: %v", s.name, what, err)
		return false
	case err == nil && len(d.Facts) == 0 && asked(what):
		w.wrong(audit.OneEnd, o.tenant.name, o.id, "%s takes %q, and nothing comes of it", s.name, what)
	case err != nil:
		w.note("%s refuses %q of %s: %v", s.name, what, o, err)
		return false
	}
	if w.history != nil {
		w.note("%s: %q of %s: %s", s.name, what, o, kinds(d.Facts))
	}
	return true
}

// asked says that a command was somebody's wish, which may be refused; the carrier's word may not.
func asked(what string) bool { return what == "retry" }
