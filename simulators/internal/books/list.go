// Package books keeps what a simulator shows of itself: entries in the order they came, found by the order
// they belong to and by tenant, handed out in pages.
package books

import (
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

const (
	defaultLimit = 100
	maximalLimit = 1000
)

// Query says which entries are wanted.
type Query struct {
	Reference string // "{tenant}/{order}"; empty for all
	Tenant    string // empty for all
	Limit     int    // the most entries in a page, 1 to 1000
	After     int    // the entries before this one have been seen
}

// ParseQuery reads reference, tenant, limit (100 unless given) and cursor. The error says which is wrong.
func ParseQuery(values url.Values) (Query, error) {
	query := Query{Reference: values.Get("reference"), Tenant: values.Get("tenant"), Limit: defaultLimit}
	if text := values.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maximalLimit {
			return Query{}, fmt.Errorf("limit must be a number from 1 to %d", maximalLimit)
		}
		query.Limit = limit
	}
	if text := values.Get("cursor"); text != "" {
		after, err := strconv.Atoi(text)
		if err != nil || after < 0 {
			return Query{}, fmt.Errorf("cursor must be the next of an earlier page")
		}
		query.After = after
	}
	return query, nil
}

// Reference joins a tenant and an order to the reference under which both are known outside.
func Reference(tenant, order string) string { return tenant + "/" + order }

// SplitReference takes a reference apart; ok is false when it is not "{tenant}/{order}".
func SplitReference(reference string) (tenant, order string, ok bool) {
	tenant, order, found := strings.Cut(reference, "/")
	return tenant, order, found && tenant != "" && order != "" && !strings.Contains(order, "/")
}

// List is entries in the order they were added. It is not safe for use by many goroutines at once.
type List[T any] struct {
	entries     []T
	byReference map[string][]int
	byTenant    map[string][]int
}

// NewList returns an empty list.
func NewList[T any]() *List[T] {
	return &List[T]{byReference: map[string][]int{}, byTenant: map[string][]int{}}
}

// Add puts an entry at the end. What carries no reference is found only by a query for all.
func (l *List[T]) Add(reference string, entry T) {
	place := len(l.entries)
	l.entries = append(l.entries, entry)
	if reference == "" {
		return
	}
	tenant, _, _ := strings.Cut(reference, "/")
	l.byReference[reference] = append(l.byReference[reference], place)
	l.byTenant[tenant] = append(l.byTenant[tenant], place)
}

// Of returns the entries of a reference, the oldest first.
func (l *List[T]) Of(reference string) []T {
	places := l.byReference[reference]
	entries := make([]T, len(places))
	for i, place := range places {
		entries[i] = l.entries[place]
	}
	return entries
}

// Page returns the entries that a query asks for and keep agrees to, and the cursor of the next page:
// empty when nothing is left.
func (l *List[T]) Page(query Query, keep func(T) bool) (page []T, next string) {
	count, at := len(l.entries), func(i int) int { return i }
	if query.Reference != "" || query.Tenant != "" {
		places := l.byTenant[query.Tenant]
		if query.Reference != "" {
			places = l.byReference[query.Reference]
			if tenant, _, _ := strings.Cut(query.Reference, "/"); query.Tenant != "" && query.Tenant != tenant {
				places = nil
			}
		}
		count, at = len(places), func(i int) int { return places[i] }
	}
	page = []T{}
	for i := firstFrom(query.After, count, at); i < count; i++ {
		entry := l.entries[at(i)]
		if !keep(entry) {
			continue
		}
		if len(page) == query.Limit {
			return page, strconv.Itoa(at(i))
		}
		page = append(page, entry)
	}
	return page, ""
}

// firstFrom returns the first i below count whose place is not before after; places rise.
func firstFrom(after, count int, at func(int) int) int {
	return sort.Search(count, func(i int) bool { return at(i) >= after })
}
