package failure

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"waybill.dev/platform/internal/pace"
)

// Cooldowns are the pauses before what failed is tried again, the first after the first failure. Each is spread: it
// lasts between half and the whole of what is said here, so that what failed together is not tried together.
type Cooldowns []time.Duration

// String is what a configuration would say: "50ms,100ms".
func (c Cooldowns) String() string {
	var pauses []string
	for _, pause := range c {
		pauses = append(pauses, pause.String())
	}
	return strings.Join(pauses, ",")
}

// longestCooldown is beyond what anybody would wait for.
const longestCooldown = time.Hour

// Check says what is wrong with the pauses.
func (c Cooldowns) Check() error {
	if len(c) == 0 {
		return errors.New("it has no pause; such as 50ms,100ms,250ms is expected")
	}
	for _, pause := range c {
		if pause <= 0 || pause > longestCooldown {
			return fmt.Errorf("%v is not between 1ns and %v", pause, longestCooldown)
		}
	}
	return nil
}

// After is the pause after so many failures, from 1. The last one is for all that come after it.
func (c Cooldowns) After(failures int) time.Duration {
	pause := c[min(max(failures, 1), len(c))-1]
	return pause/2 + rand.N(pause/2+1)
}

// Retry says how what fails is tried again, by its class.
type Retry struct {
	// Transient failures are tried again without end: the last pause is repeated. Where there is none, they are not tried
	// again.
	Transient Cooldowns
	// Bug failures are tried again once after each pause, and then no more.
	Bug Cooldowns
}

// Do tries until it succeeds or makes no more sense, or the context ends, and says how often it has tried. A permanent
// failure is tried once.
func (r Retry) Do(ctx context.Context, try func() error) (tries int, err error) {
	for transients, bugs := 0, 0; ; {
		err := try()
		tries++
		if err == nil {
			return tries, nil
		}
		var pause time.Duration
		switch class := Of(err); {
		case class == Transient && len(r.Transient) > 0:
			transients++
			pause = r.Transient.After(transients)
		case class == Bug && bugs < len(r.Bug):
			bugs++
			pause = r.Bug.After(bugs)
		default:
			return tries, err
		}
		if !pace.Sleep(ctx, pause) {
			return tries, err
		}
	}
}
