package demo

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table writes what was to happen and what happened, and says whether these are the same.
func table(out io.Writer, results []Result) (bool, error) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\torder\twas to be\tis\tmoney\tstock\tparcel\tmails")
	different := 0
	for _, r := range results {
		mark := "ok"
		if r.Err != nil {
			mark = "DIFFERS"
			different++
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", mark, r.Way.Name, r.Way.Want.Order, r.Got.Order,
			r.Got.Provider, r.Got.Stock, r.Got.Carrier, len(strings.Fields(r.Got.Mails)))
	}
	if err := t.Flush(); err != nil {
		return false, err
	}
	for _, r := range results {
		if r.Err != nil {
			fmt.Fprintf(out, "\n%s, order %s: %v\n  was to be %+v\n  is        %+v\n", r.Way.Name, r.Order, r.Err, r.Way.Want, r.Got)
		}
	}
	if different > 0 {
		fmt.Fprintf(out, "\n%d of %d orders differ.\n", different, len(results))
		return false, nil
	}
	_, err := fmt.Fprintf(out, "\nEach of %d orders came to what was to happen, and money, stock, parcels and mails agree.\n", len(results))
	return true, err
}
