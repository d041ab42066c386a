package sim

import "time"

// agenda holds what is to happen, by its time; what is to happen at the same time happens in the order it was planned.
type agenda struct {
	heap []appointment
	next int64
}

type appointment struct {
	at     time.Duration
	number int64
	// strand is that of the tape which the choices of what happens are drawn from.
	strand int
	happen func()
}

func (a appointment) before(b appointment) bool {
	return a.at < b.at || a.at == b.at && a.number < b.number
}

// add plans something. A binary heap by hand: container/heap would box every appointment.
func (a *agenda) add(at time.Duration, strand int, happen func()) {
	a.next++
	a.heap = append(a.heap, appointment{at, a.next, strand, happen})
	for i := len(a.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !a.heap[i].before(a.heap[parent]) {
			return
		}
		a.heap[i], a.heap[parent] = a.heap[parent], a.heap[i]
		i = parent
	}
}

// take is what happens next; false where nothing is planned.
func (a *agenda) take() (appointment, bool) {
	if len(a.heap) == 0 {
		return appointment{}, false
	}
	first, last := a.heap[0], len(a.heap)-1
	a.heap[0], a.heap[last] = a.heap[last], appointment{}
	a.heap = a.heap[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return first, true
		}
		if child+1 < last && a.heap[child+1].before(a.heap[child]) {
			child++
		}
		if !a.heap[child].before(a.heap[i]) {
			return first, true
		}
		a.heap[i], a.heap[child] = a.heap[child], a.heap[i]
		i = child
	}
}
