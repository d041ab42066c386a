package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/messaging"

	"waybill.dev/cmd/waybill/plain"
	"waybill.dev/cmd/waybill/suite"
)

type parkedShowCommand struct {
	operator
	asJSON
	ID      messageID `arg:"" help:"The message's id, as it is listed."`
	Service string    `help:"The service that has parked it: ${services}. Without one it is looked for." enum:",${services}" default:"" placeholder:"NAME"`
}

// messageID is the id of a parked message.
type messageID struct{ uuid.UUID }

// UnmarshalText reads an id as it is listed.
func (id *messageID) UnmarshalText(text []byte) (err error) {
	if id.UUID, err = uuid.Parse(string(text)); err != nil {
		return fmt.Errorf("%q is no id of a parked message", text)
	}
	return nil
}

// shown is everything that is kept of a message.
type shown struct {
	Service string `json:"service"`
	messaging.Whole
	History []messaging.Action `json:"history"`
}

func (c *parkedShowCommand) Run(ctx context.Context, t terminal) error {
	var in []string
	var it shown
	err := parkedFilter{operator: c.operator, Service: c.Service}.each(ctx, func(service string, pool *pgxpool.Pool) error {
		w, history, err := messaging.Show(ctx, pool, c.ID.UUID)
		if errors.Is(err, messaging.ErrNotParked) {
			return nil
		}
		in = append(in, service)
		it = shown{service, w, history}
		return err
	})
	if err == nil {
		err = parkedOnce(c.ID.UUID, c.Service, in)
	}
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(t.out, it)
	}
	var told strings.Builder
	show(&told, it)
	_, err = io.WriteString(t.out, told.String())
	return err
}

// parkedOnce is nil where one service has parked the message. What several have heard and parked has the same id in each.
func parkedOnce(id uuid.UUID, asked string, in []string) error {
	switch {
	case len(in) == 0 && asked == "":
		return fmt.Errorf("none of %s has parked a message with the id %s", strings.Join(suite.ServiceNames(), ", "), id)
	case len(in) == 0:
		return fmt.Errorf("%s has not parked a message with the id %s", asked, id)
	case len(in) > 1:
		return fmt.Errorf("%s have each parked %s: name one by --service", strings.Join(in, ", "), id)
	}
	return nil
}

// show tells people.
func show(out io.Writer, w shown) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"id", w.ID.String()}, {"service", w.Service}, {"state", stateOf(w.Parked)}, {"parked at", w.ParkedAt.UTC().Format(time.RFC3339Nano)},
		{"tenant", plain.Line(w.Tenant)}, {"subject", plain.Line(w.Subject)}, {"message", plain.Line(w.MessageID)}, {"event", plain.Line(w.EventType)},
		{"came from", string(w.Origin)}, {"topic", plain.Line(w.Topic)}, {"place", placeOf(w.Parked)}, {"key", readable(w.Key)},
		{"class", classOf(w.Parked)}, {"tries", fmt.Sprint(w.Tries)}, {"error", plain.Line(w.Error)},
	} {
		fmt.Fprintf(table, "%s\t%s\n", line[0], line[1])
	}
	table.Flush()
	fmt.Fprintln(out, "\nheaders:")
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		for _, value := range w.Headers[name] {
			fmt.Fprintf(out, "  %s: %s\n", plain.Line(name), readable(value))
		}
	}
	fmt.Fprintf(out, "\nbody, %d bytes:\n%s\n", len(w.Value), readable(w.Value))
	if w.Stack != "" {
		fmt.Fprintf(out, "\nstack:\n%s\n", strings.TrimSpace(w.Stack))
	}
	fmt.Fprintln(out, "\nhistory:")
	if len(w.History) == 0 {
		fmt.Fprintln(out, "  nothing was done about it")
	}
	for _, a := range w.History {
		fmt.Fprintf(out, "  %s  %s by %s: %s\n", a.At.UTC().Format(time.RFC3339), a.Action, plain.Line(a.By), plain.Line(a.Reason))
	}
}

// readable is text as it is, and anything else in base64: a terminal obeys control characters.
func readable(b []byte) string {
	text := string(b)
	control := strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' })
	switch {
	case len(b) == 0:
		return "-"
	case !utf8.ValidString(text) || control:
		return "base64 " + base64.StdEncoding.EncodeToString(b)
	}
	return text
}
