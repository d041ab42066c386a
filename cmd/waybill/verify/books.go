package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// pageSize is how many entries of the books are read at a time.
const pageSize = "1000"

// readCharges reads the provider's books, readParcels the carrier's.
func (a *auditor) readCharges(ctx context.Context) error {
	return readBooks(ctx, a.sources.Provider, "/v1/payments", "payments", func(reference string, entry []byte) error {
		a.count(&a.report.Charges)
		return a.spill.add(reference, aCharge, entry)
	})
}

func (a *auditor) readParcels(ctx context.Context) error {
	return readBooks(ctx, a.sources.Carrier, "/v1/bookings", "bookings", func(reference string, entry []byte) error {
		a.count(&a.report.Parcels)
		return a.spill.add(reference, aParcel, entry)
	})
}

// readBooks hands out all entries of the books, page by page.
func readBooks(ctx context.Context, base, path, list string, take func(reference string, entry []byte) error) error {
	for cursor := ""; ; {
		query := url.Values{"limit": {pageSize}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var page map[string]json.RawMessage
		if err := get(ctx, strings.TrimRight(base, "/")+path+"?"+query.Encode(), &page); err != nil {
			return err
		}
		var entries []json.RawMessage
		if err := json.Unmarshal(page[list], &entries); err != nil {
			return fmt.Errorf("%s answers with no %s: %w", base, list, err)
		}
		for _, entry := range entries {
			var of struct{ Reference string }
			if err := json.Unmarshal(entry, &of); err != nil {
				return fmt.Errorf("%s answers with no %s: %w", base, list, err)
			}
			if err := take(of.Reference, entry); err != nil {
				return err
			}
		}
		cursor = ""
		if next := page["next"]; next != nil {
			if err := json.Unmarshal(next, &cursor); err != nil {
				return fmt.Errorf("%s answers with no cursor: %w", base, err)
			}
		}
		if cursor == "" {
			return nil
		}
	}
}

func get(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}
