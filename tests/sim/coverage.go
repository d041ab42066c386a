package sim

import (
	"fmt"
	"slices"
	"strings"
)

// Coverage is how often each policy has met each fact in each class of its state.
type Coverage map[Cell]int64

// Cell is a place in the coverage table.
type Cell struct{ Policy, Fact, Class string }

func (c Cell) String() string { return fmt.Sprintf("%s meets %q when %s", c.Policy, c.Fact, c.Class) }

func (c *Coverage) count(policy, fact, class string) { (*c)[Cell{policy, fact, class}]++ }

func (c *Coverage) add(more Coverage) {
	for cell, n := range more {
		(*c)[cell] += n
	}
}

// facts are what a policy may meet: the events that it hears, and besides these the answers and wishes that it is told.
func (s *Simulation) facts(p *part) []string {
	var list []string
	for i, heard := range p.hears {
		if heard {
			list = append(list, name(s.topics[i]))
		}
	}
	return append(list, p.told...)
}

// Table is the coverage for people: a row a fact, a column a class, a dot where it is impossible.
func (s *Simulation) Table(c Coverage) string {
	var text strings.Builder
	for _, p := range s.services {
		fmt.Fprintf(&text, "\n%-30s", p.name)
		for _, class := range p.classes {
			fmt.Fprintf(&text, " %11s", class)
		}
		for _, fact := range s.facts(p) {
			fmt.Fprintf(&text, "\n  %-28s", fact)
			for _, class := range p.classes {
				cell := Cell{p.name, fact, class}
				_, excused := impossible(cell)
				_, rare := unlikely(cell)
				switch n := c[cell]; {
				case n == 0 && rare:
					fmt.Fprintf(&text, " %11s", "seldom")
				case n > 0:
					fmt.Fprintf(&text, " %11d", n)
				case excused:
					fmt.Fprintf(&text, " %11s", "·")
				default:
					fmt.Fprintf(&text, " %11s", "MISSING")
				}
			}
		}
		text.WriteString("\n")
	}
	return text.String()
}

// CheckCoverage returns what the impossible has come to, and where the coverage is to be whole, what it lacks.
func (s *Simulation) CheckCoverage(c Coverage, whole bool) error {
	var amiss []string
	known := map[Cell]bool{}
	for _, p := range s.services {
		for _, fact := range s.facts(p) {
			for _, class := range p.classes {
				cell := Cell{p.name, fact, class}
				known[cell] = true
				reason, excused := impossible(cell)
				_, rare := unlikely(cell)
				switch n := c[cell]; {
				case n > 0 && excused:
					amiss = append(amiss, fmt.Sprintf("%s, which is impossible: %s", cell, reason))
				case n == 0 && !excused && !rare && whole:
					amiss = append(amiss, fmt.Sprintf("%s: never seen", cell))
				}
			}
		}
	}
	for cell := range c {
		if !known[cell] {
			amiss = append(amiss, fmt.Sprintf("%s, which no table knows", cell))
		}
	}
	if len(amiss) == 0 {
		return nil
	}
	slices.Sort(amiss)
	return fmt.Errorf("the coverage is not as it should be:\n  %s", strings.Join(amiss, "\n  "))
}

// Cells counts the cells of the table: those that were met, and those that are excused.
func (s *Simulation) Cells(c Coverage) (met, excused, all int) {
	for _, p := range s.services {
		for _, fact := range s.facts(p) {
			for _, class := range p.classes {
				cell := Cell{p.name, fact, class}
				if c[cell] > 0 {
					met++
				}
				if _, is := impossible(cell); is {
					excused++
				}
				all++
			}
		}
	}
	return met, excused, all
}
