package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/messaging"
)

// parkedChoice names the messages that something is done about, and who does it.
type parkedChoice struct {
	IDs []messageID `arg:"" optional:"" name:"id" help:"The messages' ids, as they are listed. Without any the filters say which are meant."`
	parkedFilter
	Yes bool   `help:"Do it for all that the filters mean; without it they are only counted."`
	By  string `help:"Who does it, ${default} unless given. It is kept with the message." default:"${user}" placeholder:"NAME"`
}

// check refuses what could mean more than was thought of.
func (c parkedChoice) check() error {
	filtered := c.Tenant+c.Subject+c.Error != "" || !c.Since.IsZero() || !c.Until.IsZero()
	switch {
	case c.By == "":
		return errors.New("who does it is not known: name them by --by")
	case len(c.IDs) == 0 && !c.names():
		return errors.New("name messages by their ids, or by a filter such as --service or --subject")
	case len(c.IDs) > 0 && filtered:
		return errors.New("name messages by their ids or by filters, not by both")
	}
	return nil
}

// chosen are the messages that are meant, by their services, the oldest first. Of a filter they are those that pass.
func (c parkedChoice) chosen(ctx context.Context, pass func(messaging.Parked) bool) (map[string][]messaging.Parked, error) {
	filter := c.filter(messaging.StateParked)
	in := map[uuid.UUID][]string{} // the services that have parked it
	for _, id := range c.IDs {
		filter.IDs, filter.State = append(filter.IDs, id.UUID), ""
	}
	chosen, count := map[string][]messaging.Parked{}, 0
	var ended error
	err := c.each(ctx, func(service string, pool *pgxpool.Pool) error {
		messages, err := readParked(ctx, pool, filter)
		for _, m := range oldestFirst(messages) {
			in[m.ID] = append(in[m.ID], service)
			if m.State != messaging.StateParked {
				ended = errors.Join(ended, fmt.Errorf("%s: %s has been %s", service, m.ID, m.State))
			}
			if len(c.IDs) > 0 || pass(m) {
				chosen[service] = append(chosen[service], m)
				count++
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range c.IDs {
		if err := parkedOnce(id.UUID, c.Service, in[id.UUID]); err != nil {
			return nil, err
		}
	}
	if ended != nil {
		return nil, ended
	}
	if len(c.IDs) == 0 && count > 0 && !c.Yes {
		return nil, fmt.Errorf("%s meant: add --yes to go on", counted(count, "message is", "messages are"))
	}
	return chosen, nil
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

type parkedRedriveCommand struct {
	parkedChoice
	Reason string `help:"Why it is done. It is kept with the message." placeholder:"TEXT"`
}

func (c *parkedRedriveCommand) Run(ctx context.Context, t terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	chosen, err := c.chosen(ctx, func(messaging.Parked) bool { return true })
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		fmt.Fprintln(t.out, "No message is meant.")
	}
	return c.each(ctx, func(service string, pool *pgxpool.Pool) error {
		if len(chosen[service]) == 0 {
			return nil
		}
		var ids []uuid.UUID
		wanted := map[uuid.UUID]bool{}
		for _, m := range chosen[service] {
			ids = append(ids, m.ID)
			wanted[m.ID] = true
		}
		asked, err := messaging.Redrive(ctx, pool, ids, messaging.Operator{Name: c.By, Reason: c.Reason})
		if err != nil {
			return err
		}
		before := 0
		for _, id := range asked {
			if !wanted[id] {
				before++
			}
		}
		fmt.Fprintf(t.out, "%s: %s redriven", service, counted(len(asked), "message is to be", "messages are to be"))
		if before > 0 {
			fmt.Fprintf(t.out, ", %d of them because what was named waits for them", before)
		}
		fmt.Fprintln(t.out, "; what waits behind them follows. `waybill parked` shows what is left.")
		return nil
	})
}

type parkedDiscardCommand struct {
	parkedChoice
	Reason string `help:"Why they are given up. It is kept with the message." required:"" placeholder:"TEXT"`
}

func (c *parkedDiscardCommand) Run(ctx context.Context, t terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	if strings.TrimSpace(c.Reason) == "" {
		return errors.New("say by --reason why they are given up")
	}
	// What only waits is not given up with what it waits for.
	chosen, err := c.chosen(ctx, func(m messaging.Parked) bool { return !m.Waiting })
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		fmt.Fprintln(t.out, "No message is meant.")
	}
	return c.each(ctx, func(service string, pool *pgxpool.Pool) error {
		for _, m := range chosen[service] {
			if err := messaging.Discard(ctx, pool, m.ID, messaging.Operator{Name: c.By, Reason: c.Reason}); err != nil {
				return fmt.Errorf("%s: %w", m.ID, err)
			}
			fmt.Fprintf(t.out, "%s: %s is discarded\n", service, m.ID)
		}
		return nil
	})
}
