package server

import (
	"context"
	"fmt"
	"time"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/internal/pace"
)

const (
	// inboxKeptFor is how long it is remembered which messages were handled, where the configuration says nothing.
	inboxKeptFor = 30 * 24 * time.Hour
	// inboxKeptForLeast bounds the configuration: what is swept must be far from what is still being read.
	inboxKeptForLeast = 2 * mayLag
	// mayLag is how far the group may be behind when the inbox is swept. A service that was away for weeks reads its
	// backlog first: by the ages of what is in it nothing could be told any more.
	mayLag = 24 * time.Hour
	// inboxEvery is how often the inbox is seen to.
	inboxEvery = time.Hour
)

// tendInbox keeps the inbox from growing without bound, and looks whether Kafka keeps the group's offsets for as long as
// the inbox is kept.
func (s *Server) tendInbox(ctx context.Context) error {
	if err := s.app.Log.NoteTopics(ctx, topicNames(heardTopics(s.service))); err != nil {
		return err
	}
	pace.Every(ctx, inboxEvery, func() {
		s.checkOffsetsKept(ctx)
		if err := s.sweepInbox(ctx); err != nil && ctx.Err() == nil {
			s.app.Logger.WarnContext(ctx, "the inbox cannot be swept, and is tried again", "error", err)
		}
	})
	return nil
}

func (s *Server) sweepInbox(ctx context.Context) error {
	read, err := s.app.Consumer.HasRead(ctx, clock.Now().Add(-mayLag))
	if err != nil {
		return err
	}
	if !read {
		s.app.Logger.InfoContext(ctx, "the inbox is not swept while the service has messages to read that are older than a day")
		return nil
	}
	swept, err := s.app.Log.SweepInbox(ctx, s.config.InboxKeep, topicNames(heardTopics(s.service)))
	if swept > 0 {
		s.app.Logger.InfoContext(ctx, "the inbox has been swept", "messages", swept)
	}
	return err
}

// checkOffsetsKept holds the brokers' setting, which no client can change, against how long the inbox is kept: a group
// that has lost its offsets hears everything again, and what the inbox has forgotten is told by the facts alone.
func (s *Server) checkOffsetsKept(ctx context.Context) {
	kept, err := s.app.Consumer.OffsetsKept(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		s.app.Logger.WarnContext(ctx, "the brokers' offsets.retention.minutes is not known: it must not be shorter than the inbox is kept",
			"inbox_keep", s.config.InboxKeep, "error", err)
		return
	}
	var amiss string
	if kept < s.config.InboxKeep {
		amiss = fmt.Sprintf("kafka: it forgets what a group has read after %s, sooner than the inbox does (%s): set offsets.retention.minutes to %d or more on its brokers",
			days(kept), days(s.config.InboxKeep), int(s.config.InboxKeep.Minutes()))
	}
	if before := s.offsetsForgotten.Swap(&amiss); amiss != "" && (before == nil || *before != amiss) {
		s.app.Logger.WarnContext(ctx, amiss)
	}
}

// days is a duration as people say it.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
