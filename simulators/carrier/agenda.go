package carrier

import (
	"container/heap"
	"time"
)

// agenda holds what is to be done later, the earliest first. It is not safe for use by many goroutines at once.
type agenda[T any] struct{ items appointments[T] }

type appointment[T any] struct {
	at   time.Time
	what T
}

func (a *agenda[T]) add(at time.Time, what T) {
	heap.Push(&a.items, appointment[T]{at: at, what: what})
}

// next returns when the earliest is due; ok is false when there is none.
func (a *agenda[T]) next() (at time.Time, ok bool) {
	if len(a.items) == 0 {
		return time.Time{}, false
	}
	return a.items[0].at, true
}

// take removes and returns the earliest if it is due.
func (a *agenda[T]) take(now time.Time) (what T, ok bool) {
	at, ok := a.next()
	if !ok || at.After(now) {
		return what, false
	}
	return heap.Pop(&a.items).(appointment[T]).what, true
}

// appointments implements heap.Interface.
type appointments[T any] []appointment[T]

func (a appointments[T]) Len() int           { return len(a) }
func (a appointments[T]) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a appointments[T]) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *appointments[T]) Push(item any)     { *a = append(*a, item.(appointment[T])) }
func (a *appointments[T]) Pop() any {
	last := len(*a) - 1
	item := (*a)[last]
	(*a)[last] = appointment[T]{}
	*a = (*a)[:last]
	return item
}
