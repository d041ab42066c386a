package outsidetest

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Story is told by its choices, each one of so many; its error says what is wrong in it.
type Story func(choose func(of int) int) error

// Holds says that nothing is wrong in any story.
func Holds(t *testing.T, tell Story) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		if err := tell(func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") }); err != nil {
			rt.Fatal(err)
		}
	})
}

// soon is how many stories are told at most until something wrong is seen.
const soon = 300

// Caught says that something is wrong in one of some stories.
func Caught(t *testing.T, tell Story) {
	t.Helper()
	for seed := range uint64(soon) {
		if err := tell(rand.New(rand.NewPCG(seed, 0)).IntN); err != nil {
			t.Logf("caught by story %d: %v", seed, err)
			return
		}
	}
	t.Errorf("%d stories have not caught it", soon)
}
