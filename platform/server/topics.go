package server

import (
	"context"
	"errors"
	"strings"

	"waybill.dev/contracts"
	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/messaging"
)

// heardTopics are those that the service consumes, saidTopics those that it publishes to.
func heardTopics(service Service) []contracts.Topic {
	heard := map[string]bool{}
	for _, e := range service.Hears {
		heard[e.Type().Topic()] = true
	}
	return topicsWhere(func(name string) bool { return heard[name] })
}

func saidTopics(service Service) []contracts.Topic {
	return topicsWhere(func(name string) bool { return strings.HasPrefix(name, "commerce."+service.Name+".") })
}

func topicsWhere(fits func(name string) bool) []contracts.Topic {
	var topics []contracts.Topic
	for _, t := range contracts.Topics() {
		if fits(t.Name) {
			topics = append(topics, t)
		}
	}
	return topics
}

func topicNames(topics []contracts.Topic) []string {
	names := make([]string, 0, len(topics))
	for _, t := range topics {
		names = append(names, t.Name)
	}
	return names
}

// connect makes sure of the topics before anything is said or heard: a topic with another number of partitions
// would spread its keys in another way, and is an error. Kafka is waited for, until the context ends.
func (s *Server) connect(ctx context.Context) error {
	for pause := patience(); ctx.Err() == nil; {
		err := errors.Join(
			messaging.CreateTopics(ctx, s.config.KafkaBrokers, s.config.PublishPrefix, saidTopics(s.service)),
			messaging.CreateTopics(ctx, s.config.KafkaBrokers, s.config.HearPrefix, heardTopics(s.service)),
		)
		var wrong *messaging.PartitionsError
		if errors.As(err, &wrong) {
			return wrong
		}
		if err == nil {
			close(s.connected)
			return nil
		}
		s.app.Logger.WarnContext(ctx, "waiting for Kafka", "error", err)
		pause.Wait(ctx)
	}
	return nil
}

// hear runs what the service makes of a message, once for each message.
func (s *Server) hear(ctx context.Context, m contracts.Message) error {
	about := &scope{correlationID: m.CorrelationID, tenant: m.Tenant}
	about.about(m.Subject)
	ctx = withScope(ctx, about)
	at := clock.Now().UTC()
	command := s.service.React(m, at)
	if len(command.Streams) == 0 {
		return nil // it does not concern the service
	}
	request := eventlog.Request{
		Command: command, Tenant: m.Tenant, At: at, Message: m.ID,
		Said: m.Time, Topic: m.Data.Type().Topic(), Replayed: messaging.IsReplayed(ctx),
		Meta: es.Meta{CorrelationID: m.CorrelationID, CausationID: m.ID, TraceParent: m.TraceParent},
	}
	if !request.Replayed { // what was parked waits no more
		request.Subject = m.Subject
	}
	result, err := s.app.Handle(ctx, request)
	switch {
	case err != nil:
		return err
	case result.Duplicate:
		return messaging.ErrDuplicate
	case result.Held:
		return messaging.ErrHeld
	}
	return nil
}

// retake is the service's own way of taking what was parked, for the consumer.
func (s *Server) retake() map[string]func(context.Context, messaging.Whole) error {
	retake := map[string]func(context.Context, messaging.Whole) error{}
	for topic, take := range s.service.Retake {
		retake[topic] = func(ctx context.Context, w messaging.Whole) error { return take(ctx, s.app, w) }
	}
	return retake
}
