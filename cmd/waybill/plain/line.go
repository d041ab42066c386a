// Package plain makes what came from outside fit to be shown on a terminal.
package plain

import (
	"cmp"
	"strings"
	"unicode"
)

// Line keeps a line a line: what is in a message may be anything, and a terminal obeys control characters. What cannot be
// shown stands as U+FFFD, and nothing as "-".
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, cmp.Or(s, "-"))
}
