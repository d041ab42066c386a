package messaging

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/failure"
)

// State is what has become of a parked message.
type State string

const (
	// StateParked: nothing yet. It is open.
	StateParked State = "parked"
	// StateRedriven: it has been handled, or sent, in the end.
	StateRedriven State = "redriven"
	// StateDiscarded: an operator has given it up.
	StateDiscarded State = "discarded"
)

// Parked is a parked message without its content, for lists.
type Parked struct {
	ID        uuid.UUID     `json:"id"`
	Topic     string        `json:"topic"`
	Partition *int32        `json:"partition,omitempty"`
	Offset    *int64        `json:"offset,omitempty"`
	Tenant    string        `json:"tenant"`
	Subject   string        `json:"subject"`
	MessageID string        `json:"messageId"`
	EventType string        `json:"eventType"`
	Error     string        `json:"error"`
	ParkedAt  time.Time     `json:"parkedAt"`
	State     State         `json:"state" enum:"parked,redriven,discarded"`
	Origin    Origin        `json:"origin" enum:"kafka,outbox,outside"`
	Waiting   bool          `json:"waiting" doc:"It has not failed, and only waits for what is parked before it of the same subject."`
	Class     failure.Class `json:"class,omitempty" enum:"transient,permanent,bug" doc:"What sort of failure it is; absent where it only waits."`
	Tries     int           `json:"tries" doc:"How often it has been tried."`
	RedriveAt *time.Time    `json:"redriveAt,omitempty" doc:"When a redrive was asked for that has not been done yet."`
}

const parkedColumns = `p.id, p.topic, p.partition, p."offset", p.tenant, p.subject, p.message_id, p.event_type, p.error, p.parked_at,
	p.state, p.origin, p.waiting, CASE WHEN p.waiting THEN '' ELSE p.class END, p.tries, p.redrive_at`

// Cursor is the last row of a page.
type Cursor struct {
	ParkedAt time.Time `json:"parkedAt"`
	ID       uuid.UUID `json:"id"`
}

// Filter says which parked messages are meant; what is empty excludes none.
type Filter struct {
	IDs    []uuid.UUID
	State  State
	Tenant string
	// Subject is a message's subject or its Kafka key.
	Subject string
	// Error is a part of the error, in whatever case, or the class of the failure. What only waits has not failed, and is
	// of no class.
	Error string
	// Since and Until are when it was parked.
	Since, Until time.Time
}

// where is the filter as a condition on p, and its arguments with those that are given.
func (f Filter) where(arguments ...any) (string, []any) {
	conditions := []string{"true"}
	add := func(condition string, argument any) {
		arguments = append(arguments, argument)
		conditions = append(conditions, strings.ReplaceAll(condition, "$", fmt.Sprint("$", len(arguments))))
	}
	if len(f.IDs) > 0 {
		add("p.id = ANY($)", f.IDs)
	}
	switch f.State {
	case "":
	case StateParked: // written out, as one plan for any state could not go along the index of those that are open
		conditions = append(conditions, "p.state = 'parked'")
	default:
		add("p.state = $", f.State)
	}
	if f.Tenant != "" { // a condition that holds for everybody would keep the index of tenants from being used
		add("p.tenant = $", f.Tenant)
	}
	if f.Subject != "" {
		add("(p.subject = $::text OR p.key = convert_to($::text, 'UTF8'))", f.Subject)
	}
	if f.Error != "" {
		add("(NOT p.waiting AND p.class = $::text OR strpos(lower(p.error), lower($::text)) > 0)", f.Error)
	}
	if !f.Since.IsZero() {
		add("p.parked_at >= $", f.Since)
	}
	if !f.Until.IsZero() {
		add("p.parked_at <= $", f.Until)
	}
	return strings.Join(conditions, " AND "), arguments
}

// List gives the parked messages that the filter means, the newest first, after the cursor; nil begins.
func List(ctx context.Context, db Database, filter Filter, limit int, after *Cursor) ([]Parked, error) {
	query, arguments := listQuery(filter, limit, after)
	rows, err := db.Query(ctx, query, arguments...)
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	parked, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Parked])
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	return parked, nil
}

func listQuery(filter Filter, limit int, after *Cursor) (string, []any) {
	if after == nil {
		after = &Cursor{ParkedAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}
	}
	where, arguments := filter.where(after.ParkedAt, after.ID, limit)
	return `SELECT ` + parkedColumns + ` FROM parked_messages AS p
		WHERE ` + where + ` AND (p.parked_at, p.id) < ($1, $2) ORDER BY p.parked_at DESC, p.id DESC LIMIT $3`, arguments
}

// Whole is a parked message with its content.
type Whole struct {
	Parked
	Key     []byte              `json:"key"`
	Headers map[string][][]byte `json:"headers"`
	Value   []byte              `json:"value"`
	Stack   string              `json:"stack,omitempty"`
}

// metadata are the headers as the consumer sees them: of one that stands twice, the last value.
func (w Whole) metadata() map[string]string {
	metadata := map[string]string{}
	for name, values := range w.Headers {
		metadata[name] = last(values)
	}
	return metadata
}

const wholeColumns = parkedColumns + `, p.key, p.headers, p.value, p.stack`

// readWhole reads the first message that a query has found; nil where there is none.
func readWhole(ctx context.Context, db Database, query string, arguments ...any) (*Whole, error) {
	rows, err := db.Query(ctx, `SELECT `+wholeColumns+` FROM parked_messages AS p `+query, arguments...)
	if err != nil {
		return nil, err
	}
	w, err := pgx.CollectOneRow(rows, func(row pgx.CollectableRow) (w Whole, err error) {
		err = row.Scan(&w.ID, &w.Topic, &w.Partition, &w.Offset, &w.Tenant, &w.Subject, &w.MessageID, &w.EventType, &w.Error, &w.ParkedAt,
			&w.State, &w.Origin, &w.Waiting, &w.Class, &w.Tries, &w.RedriveAt, &w.Key, &w.Headers, &w.Value, &w.Stack)
		return w, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &w, err
}

// Action is what was done about a parked message.
type Action struct {
	At time.Time `json:"at"`
	// By is who did it: an operator, or the service.
	By     string     `json:"by"`
	Action ActionKind `json:"action"`
	Reason string     `json:"reason"`
}

// ActionKind is a sort of Action.
type ActionKind string

const (
	// ActionRedrive: an operator asked for a redrive.
	ActionRedrive ActionKind = "redrive"
	// ActionRedriven: the service has handled or sent the message.
	ActionRedriven ActionKind = "redriven"
	// ActionFailed: it failed again; the reason is the error.
	ActionFailed ActionKind = "failed"
	// ActionDiscarded: an operator has given it up.
	ActionDiscarded ActionKind = "discarded"
)

// ErrNotParked says that there is no parked message with an id.
var ErrNotParked = errors.New("there is no such parked message")

// Show gives a parked message, whole, and what was done about it, the oldest first.
func Show(ctx context.Context, db Database, id uuid.UUID) (Whole, []Action, error) {
	w, err := readWhole(ctx, db, "WHERE p.id = $1", id)
	if err != nil {
		return Whole{}, nil, fmt.Errorf("show a parked message: %w", err)
	}
	if w == nil {
		return Whole{}, nil, ErrNotParked
	}
	rows, err := db.Query(ctx, `SELECT at, by, action, reason FROM parked_actions WHERE message = $1 ORDER BY id`, id)
	if err != nil {
		return Whole{}, nil, fmt.Errorf("show a parked message: %w", err)
	}
	history, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Action])
	if err != nil {
		return Whole{}, nil, fmt.Errorf("show a parked message: %w", err)
	}
	return *w, history, nil
}
