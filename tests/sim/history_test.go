package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// made is a history with a line for each letter, a second apart.
func made(letters string) (h history) {
	for i, letter := range letters {
		h = append(h, happening{time.Duration(i) * time.Second, string(letter)})
	}
	return h
}

// What happens again and again is told once.
func TestACycleIsToldOnce(t *testing.T) {
	t.Parallel()
	for letters, want := range map[string]string{
		"":         "",
		"abcabd":   "a b c a b d",
		"abab":     "a b a b",
		"aaa":      "a 1×2",
		"xabababy": "x a b 2×2 y",
		"ababa" + strings.Repeat("ba", 500) + "z":  "a b 2×501 a z",
		strings.Repeat("aab", 3):                   "a a b 3×2",
		"xx" + strings.Repeat("aaaab", 4) + "aaay": "x x a a a a b 5×3 a 1×2 y",
	} {
		var got []string
		for _, line := range made(letters).lines() {
			what := strings.Fields(line)[2:]
			if len(what) > 1 {
				var period, times int
				if _, err := fmt.Sscanf(strings.Join(what, " "), "… and so on: the last %d lines %d times more", &period, &times); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				what = []string{fmt.Sprintf("%d×%d", period, times)}
			}
			got = append(got, what...)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%.20s is told as %v, want %s", letters, got, want)
		}
	}
	told := made("xababab").lines()
	if last := told[len(told)-1]; last != "    0d 6s            … and so on: the last 2 lines 2 times more" {
		t.Errorf("when it ended is not told: %q", last)
	}
}

// What is too long to be read is told from both its ends.
func TestALongHistoryIsShortened(t *testing.T) {
	t.Parallel()
	var h history
	for i := range 1000 {
		h = append(h, happening{what: fmt.Sprint(i)})
	}
	lines := shortened(h.lines())
	if len(lines) != 81 || lines[50] != "  … 920 lines left out …" ||
		!strings.HasSuffix(lines[49], " 49") || !strings.HasSuffix(lines[51], " 970") || !strings.HasSuffix(lines[80], " 999") {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for _, short := range [][]string{nil, h[:80].lines(), h[:81].lines()} {
		if got := shortened(short); !slices.Equal(got, short) {
			t.Errorf("%d lines are shortened to %d", len(short), len(got))
		}
	}
}
