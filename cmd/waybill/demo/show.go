package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/ways"
)

// widest is how much of what happened to an order fits into a terminal beside its name.
const widest = 70

// showInterval is how often the orders' histories are read.
const showInterval = 200 * time.Millisecond

// show writes what happens to the orders as their facts arrive.
type show struct {
	out     io.Writer
	redraw  bool
	started time.Time
	lines   []*line
	drawn   bool
}

// line is one order's.
type line struct {
	walk *ways.Walk
	// known is how many of its facts have been shown.
	known int
	text  string
}

func newShow(c Config, walks []*ways.Walk) *show {
	s := &show{out: c.Out, redraw: c.Redraw, started: time.Now()}
	for _, w := range walks {
		s.lines = append(s.lines, &line{walk: w})
	}
	return s
}

// run shows facts until the context ends, and once more what came by then.
func (s *show) run(ctx context.Context) {
	tick := time.NewTicker(showInterval)
	defer tick.Stop()
	for {
		s.look(context.WithoutCancel(ctx))
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.look(context.WithoutCancel(ctx))
			fmt.Fprintln(s.out)
			return
		}
	}
}

// look reads every order's history and writes what is new. A history that cannot be read now is read next time: the
// walks themselves tell of what is wrong.
func (s *show) look(ctx context.Context) {
	changed := false
	for _, l := range s.lines {
		facts, err := l.walk.Shop.History(ctx, l.walk.Order)
		if err != nil || len(facts) <= l.known {
			continue
		}
		for _, f := range facts[l.known:] {
			s.fact(l, f)
		}
		l.known = len(facts)
		changed = true
	}
	if s.redraw && changed {
		s.draw()
	}
}

func (s *show) fact(l *line, f client.Fact) {
	name := strings.TrimPrefix(f.Kind, "order.")
	if !s.redraw {
		fmt.Fprintf(s.out, "%7.2fs  %-42s %s\n", max(0, f.At.Sub(s.started).Seconds()), l.walk.Way.Name, name)
		return
	}
	if l.text != "" {
		l.text += " → "
	}
	l.text += name
}

// draw writes all lines over those drawn before (ECMA-48: cursor up, erase in line).
func (s *show) draw() {
	var b strings.Builder
	if s.drawn {
		fmt.Fprintf(&b, "\x1b[%dA", len(s.lines))
	}
	s.drawn = true
	for _, l := range s.lines {
		// Of a long line the end is what matters; a line that wraps would spoil the count.
		text := []rune(l.text)
		if len(text) > widest {
			text = append([]rune("…"), text[len(text)-widest:]...)
		}
		fmt.Fprintf(&b, "\x1b[2K%-42s %s\n", l.walk.Way.Name, string(text))
	}
	_, _ = io.WriteString(s.out, b.String())
}
