package es

import "fmt"

// Run asks the command to decide upon loaded states and folds what it decided into them. The versions are those
// that its facts have in their streams, one for each. A decision with a Need that is not loaded changes
// nothing: the caller loads it and runs the command again.
func Run(c Command, states States) (d Decision, versions []int64, err error) {
	if !states.HasAll(c.Streams) {
		return Decision{Need: c.Streams}, nil, nil
	}
	if d, err = c.Decide(states); err != nil {
		return Decision{}, nil, err
	}
	if !states.HasAll(d.Need) {
		return Decision{Need: d.Need}, nil, nil
	}
	d.Need = nil
	for _, f := range d.Facts {
		if !states.Has(f.Stream) {
			return Decision{}, nil, fmt.Errorf("fact %s for stream %s, which the command did not name", f.Event.Kind(), f.Stream)
		}
	}
	for _, f := range d.Facts {
		v, err := states.Apply(f.Stream, f.Event)
		if err != nil {
			return Decision{}, nil, err
		}
		versions = append(versions, v)
	}
	return d, versions, nil
}
