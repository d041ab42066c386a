package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"waybill.dev/cmd/waybill/client"
)

// Report is what was measured. Times are in milliseconds.
type Report struct {
	Orders          int     `json:"orders"`
	Completed       int     `json:"completed"`
	Concurrency     int     `json:"concurrency"`
	Rate            float64 `json:"rate,omitempty"`
	Seconds         float64 `json:"seconds"`
	OrdersPerSecond float64 `json:"orders_per_second"`

	SubmitP50 float64 `json:"submit_p50_ms"`
	SubmitP90 float64 `json:"submit_p90_ms"`
	SubmitP99 float64 `json:"submit_p99_ms"`
	// Captured is from the submission to the moment at which orders heard of the capture.
	CapturedP50 float64 `json:"captured_p50_ms"`
	CapturedP90 float64 `json:"captured_p90_ms"`
	CapturedP99 float64 `json:"captured_p99_ms"`
	// EndToEnd is from the submission to the order's completion.
	EndToEndP50 float64 `json:"end_to_end_p50_ms"`
	EndToEndP90 float64 `json:"end_to_end_p90_ms"`
	EndToEndP99 float64 `json:"end_to_end_p99_ms"`

	CPUSecondsPerOrder float64            `json:"cpu_seconds_per_order"`
	CPUSecondsByOrder  map[string]float64 `json:"cpu_seconds_per_order_by_process"`

	BooksAgree    bool     `json:"books_agree"`
	BooksDisagree []string `json:"books_disagree,omitempty"`
	// Failures are orders that were not accepted, ended otherwise, or did not end; the first few.
	Failures []string `json:"failures,omitempty"`
}

// OK says whether every order completed and all books agree.
func (r Report) OK() bool { return r.Completed == r.Orders && r.BooksAgree }

const (
	failuresShown = 10
	// historiesAtOnce are read at the end, when nothing is measured any more.
	historiesAtOnce = 8
)

// report takes the times of every completed order from its history.
func (l *load) report(ctx context.Context) (Report, error) {
	r := Report{
		Orders: l.Orders, Completed: l.completed, Concurrency: l.Concurrency, Rate: l.Rate,
		Seconds: l.ended.Sub(l.started).Seconds(), Failures: l.failures,
	}
	if r.Completed > 0 {
		r.OrdersPerSecond = float64(r.Completed) / r.Seconds
	}
	for id := range l.open {
		r.Failures = append(r.Failures, fmt.Sprintf("order %s did not end", id))
	}
	if len(r.Failures) > failuresShown {
		r.Failures = r.Failures[:failuresShown]
	}

	submits := make([]time.Duration, len(l.placed))
	captures := make([]time.Duration, len(l.placed))
	ends := make([]time.Duration, len(l.placed))
	var reading errgroup.Group
	reading.SetLimit(historiesAtOnce)
	for i, o := range l.placed {
		submits[i] = o.submit
		reading.Go(func() error {
			facts, err := l.shop.History(ctx, o.id)
			if err != nil {
				return fmt.Errorf("history of %s: %w", o.id, err)
			}
			captures[i], ends[i] = since(o.due, facts, "order.payment-captured"), since(o.due, facts, "order.completed")
			return nil
		})
	}
	if err := reading.Wait(); err != nil {
		return Report{}, err
	}
	r.SubmitP50, r.SubmitP90, r.SubmitP99 = percentiles(submits)
	r.CapturedP50, r.CapturedP90, r.CapturedP99 = percentiles(captures)
	r.EndToEndP50, r.EndToEndP90, r.EndToEndP99 = percentiles(ends)
	return r, nil
}

// since is how long after start the history notes a fact of this kind; 0 where it never does.
func since(start time.Time, facts []client.Fact, kind string) time.Duration {
	for _, f := range facts {
		if f.Kind == kind {
			return f.At.Sub(start)
		}
	}
	return 0
}

// percentiles are the 50th, 90th and 99th, in milliseconds, of what was measured; zeros were not.
func percentiles(all []time.Duration) (p50, p90, p99 float64) {
	all = slices.DeleteFunc(slices.Clone(all), func(d time.Duration) bool { return d == 0 })
	if len(all) == 0 {
		return 0, 0, 0
	}
	slices.Sort(all)
	at := func(p float64) float64 {
		return float64(all[int(p*float64(len(all)-1)+0.5)].Microseconds()) / 1000
	}
	return at(0.5), at(0.9), at(0.99)
}

func (r *Report) addCPU(before, after map[string]float64) {
	r.CPUSecondsByOrder = map[string]float64{}
	if r.Completed == 0 {
		return
	}
	for name, seconds := range after {
		each := (seconds - before[name]) / float64(r.Completed)
		r.CPUSecondsByOrder[name] = each
		r.CPUSecondsPerOrder += each
	}
}

// Print writes the report for people.
func (r Report) Print(w io.Writer) {
	fmt.Fprintf(w, "%d of %d orders completed in %.1f s: %.1f orders/s\n\n", r.Completed, r.Orders, r.Seconds, r.OrdersPerSecond)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "milliseconds\tp50\tp90\tp99\t")
	fmt.Fprintf(t, "submit\t%.1f\t%.1f\t%.1f\t\n", r.SubmitP50, r.SubmitP90, r.SubmitP99)
	fmt.Fprintf(t, "order to captured\t%.1f\t%.1f\t%.1f\t\n", r.CapturedP50, r.CapturedP90, r.CapturedP99)
	fmt.Fprintf(t, "order to completed\t%.1f\t%.1f\t%.1f\t\n", r.EndToEndP50, r.EndToEndP90, r.EndToEndP99)
	_ = t.Flush()
	fmt.Fprintf(w, "\nCPU milliseconds an order: %.2f in all\n", 1000*r.CPUSecondsPerOrder)
	names := make([]string, 0, len(r.CPUSecondsByOrder))
	for name := range r.CPUSecondsByOrder {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if r.CPUSecondsByOrder[a] > r.CPUSecondsByOrder[b] {
			return -1
		}
		return 1
	})
	for _, name := range names {
		fmt.Fprintf(t, "  %s\t%.2f\t\n", name, 1000*r.CPUSecondsByOrder[name])
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	for _, f := range r.Failures {
		fmt.Fprintln(w, "FAILED:", f)
	}
	for _, d := range r.BooksDisagree {
		fmt.Fprintln(w, "BOOKS DISAGREE:", d)
	}
	if r.OK() {
		fmt.Fprintln(w, "Every order completed, and all books agree: money, stock and parcels.")
	}
}

// JSON writes the report for programs.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
