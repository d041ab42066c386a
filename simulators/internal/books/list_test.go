package books_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/simulators/internal/books"
)

func all(int) bool { return true }

// Tenants a and b take turns; each order has two entries.
func filled() *books.List[int] {
	list := books.NewList[int]()
	for i := range 12 {
		tenant := string("ab"[i%2])
		list.Add(books.Reference(tenant, fmt.Sprint(i/4)), i)
	}
	list.Add("", 12)
	return list
}

func TestPagesAreComplete(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		query books.Query
		keep  func(int) bool
		want  []int
	}{
		"all":                 {books.Query{}, all, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
		"a tenant":            {books.Query{Tenant: "b"}, all, []int{1, 3, 5, 7, 9, 11}},
		"a reference":         {books.Query{Reference: "a/1"}, all, []int{4, 6}},
		"both":                {books.Query{Reference: "a/1", Tenant: "a"}, all, []int{4, 6}},
		"both, apart":         {books.Query{Reference: "a/1", Tenant: "b"}, all, nil},
		"an unknown tenant":   {books.Query{Tenant: "c"}, all, nil},
		"what is kept":        {books.Query{}, func(i int) bool { return i%3 == 0 }, []int{0, 3, 6, 9, 12}},
		"a tenant, what kept": {books.Query{Tenant: "a"}, func(i int) bool { return i > 5 }, []int{6, 8, 10}},
	} {
		for limit := 1; limit <= 14; limit++ {
			query := test.query
			query.Limit = limit
			var got []int
			for {
				page, next := filled().Page(query, test.keep)
				if len(page) > limit {
					t.Fatalf("%s: a page of %d entries, limit %d", name, len(page), limit)
				}
				got = append(got, page...)
				if next == "" {
					break
				}
				parsed, err := books.ParseQuery(url.Values{"cursor": {next}})
				if err != nil {
					t.Fatal(err)
				}
				query.After = parsed.After
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s by %d (-want +got):\n%s", name, limit, diff)
			}
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]int{5, 7}, filled().Of("b/1")); diff != "" {
		t.Error(diff)
	}
	if found := filled().Of("b"); len(found) != 0 {
		t.Errorf("Of a tenant = %v", found)
	}
}

func TestParseQuery(t *testing.T) {
	t.Parallel()
	got, err := books.ParseQuery(url.Values{
		"reference": {"a/1"}, "tenant": {"a"}, "limit": {"7"}, "cursor": {"9"},
	})
	want := books.Query{Reference: "a/1", Tenant: "a", Limit: 7, After: 9}
	if err != nil || got != want {
		t.Errorf("ParseQuery = %+v, %v; want %+v", got, err, want)
	}
	if got, err := books.ParseQuery(url.Values{}); err != nil || got.Limit != 100 {
		t.Errorf("ParseQuery of nothing = %+v, %v", got, err)
	}
	for _, wrong := range []url.Values{
		{"limit": {"0"}}, {"limit": {"1001"}}, {"limit": {"x"}}, {"cursor": {"-1"}}, {"cursor": {"x"}},
	} {
		if _, err := books.ParseQuery(wrong); err == nil {
			t.Errorf("ParseQuery took %v", wrong)
		}
	}
}

func TestSplitReference(t *testing.T) {
	t.Parallel()
	if tenant, order, ok := books.SplitReference("a/1"); tenant != "a" || order != "1" || !ok {
		t.Errorf("SplitReference = %q, %q, %v", tenant, order, ok)
	}
	for _, wrong := range []string{"", "a", "a/", "/1", "a/1/2"} {
		if _, _, ok := books.SplitReference(wrong); ok {
			t.Errorf("SplitReference took %q", wrong)
		}
	}
}
