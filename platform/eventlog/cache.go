package eventlog

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"waybill.dev/platform/es"
)

// cachedStreams bounds the states that are remembered: a few hundred orders are under way at a time.
const cachedStreams = 2000

// cache remembers the states that streams were found or left in, so that a load reads only the facts since then. It
// is never trusted: with a state goes the id of the fact that it ends with, and every load asks for that fact again.
// Where it is not in its place (a failover lost commits, or the database was restored) the state is forgotten.
type cache struct {
	states *lru.Cache[es.StreamID, cached]
}

type cached struct {
	state   any
	version int64
	last    [16]byte // id of the fact that made the version
}

func newCache() cache {
	states, err := lru.New[es.StreamID, cached](cachedStreams)
	if err != nil {
		panic(err) // the size is positive
	}
	return cache{states}
}

// recall is what is remembered of a stream, and the zero cached where nothing is.
func (c cache) recall(id es.StreamID) cached {
	remembered, _ := c.states.Get(id)
	return remembered
}

// remember keeps a committed state, unless a newer one is known.
func (c cache) remember(id es.StreamID, state any, version int64, last [16]byte) {
	if known, ok := c.states.Peek(id); !ok || known.version < version {
		c.states.Add(id, cached{state, version, last})
	}
}

// forget drops a state that was found to be false. Whatever was to be built upon it is to be done again.
func (c cache) forget(id es.StreamID) { c.states.Remove(id) }
