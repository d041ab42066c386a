package es

import "fmt"

// Decide asks a command to decide upon loaded states, which it leaves as they are. Where the decision has a Need that
// is not loaded, it has nothing else: the caller loads it and asks again.
func Decide(c Command, states States) (Decision, error) {
	if !states.HasAll(c.Streams) {
		return Decision{Need: c.Streams}, nil
	}
	d, err := c.Decide(states)
	if err != nil {
		return Decision{}, err
	}
	if !states.HasAll(d.Need) {
		return Decision{Need: d.Need}, nil
	}
	d.Need = nil
	for _, f := range d.Facts {
		if !states.Has(f.Stream) {
			return Decision{}, fmt.Errorf("fact %s for stream %s, which the command did not name", f.Event.Kind(), f.Stream)
		}
	}
	return d, nil
}

// Apply folds the facts of a decision into the states and returns the versions that they have in their streams, one
// for each. After an error the states are of no use.
func Apply(d Decision, states States) (versions []int64, err error) {
	for _, f := range d.Facts {
		v, err := states.Apply(f.Stream, f.Event)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, nil
}
