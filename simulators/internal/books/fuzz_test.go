package books

import (
	"net/url"
	"testing"
)

// Whatever a query asks for: it is refused, or answered by a page that is not too long and by the next ones.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=1", "limit=1&cursor=2", "cursor=-1", "cursor=9223372036854775807", "cursor=9223372036854775808", "tenant=a&reference=a/1",
		"tenant=b&reference=a/1", "reference=%00/%ff", "limit=1001", "cursor=+1", "limit=1&limit=2&tenant=",
	} {
		f.Add(seed)
	}
	list := NewList[int]()
	for i := range 5 {
		list.Add([]string{"a/1", "a/2", "b/1", "", "a/1"}[i], i)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		query, err := ParseQuery(values)
		if err != nil {
			return
		}
		for pages := 0; ; pages++ {
			page, next := list.Page(query, func(int) bool { return true })
			if len(page) > query.Limit || pages > 5 {
				t.Fatalf("%q: %d on page %d", raw, len(page), pages)
			}
			if next == "" {
				return
			}
			values.Set("cursor", next)
			if query, err = ParseQuery(values); err != nil {
				t.Fatalf("%q: our own cursor %q: %v", raw, next, err)
			}
		}
	})
}
