// Package clock is where services and the platform learn what time it is.
//
// It is the machine's time. A build with the tag "chaos" adds an offset that can be set from outside while the process
// runs, so that a clock that jumps can be tried out; no other build has a way to set one.
package clock

import "time"

// Now is what time it is, for whatever is written down or decided by the hour: when a fact came about, whether
// something is due. It may jump, backwards too.
func Now() time.Time { return now() }

// Monotonic is a mark to measure from, with time.Since and time.Until in this process. It never jumps, and says nothing
// about the hour: it is not written down, nor compared with what was.
func Monotonic() time.Time { return time.Now() }
