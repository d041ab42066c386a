package notifications

import (
	"context"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
	"waybill.dev/services/notifications/mail"
)

// Config is what notifications is configured by.
type Config struct {
	server.Config
	SMTPAddress string `env:"SMTP_ADDRESS" doc:"host:port of the mail server"`
	MailFrom    string `env:"MAIL_FROM" doc:"sender of the mails"`
}

const (
	// Doc says what notifications is for.
	Doc = "Tells customers by mail how their orders go."
	// Port is where notifications listens unless it is told otherwise.
	Port = 8085
)

// Defaults are the configuration of notifications on this machine.
func Defaults() Config {
	return Config{Config: server.Defaults(Port), SMTPAddress: "127.0.0.1:9025", MailFrom: "Waybill <orders@waybill.invalid>"}
}

// New is notifications' table of contents. The error names the variable that is wrong.
func New(config Config) (server.Service, error) {
	mails, err := newMailServer(config.SMTPAddress, config.MailFrom)
	if err != nil {
		return server.Service{}, err
	}
	return server.Service{
		Name:       "notifications",
		Doc:        Doc,
		Port:       Port,
		Categories: []es.Erased{mail.Streams},
		Hears:      mail.Hears(),
		React:      mail.React,
		Publish:    func(es.Recorded) []contracts.Event { return nil }, // nobody waits for a mail
		Routes:     routes,
		Workers:    func(w *server.Workers) { server.WorkOutside(w, mails.system, mails.work) },
		Background: []func(context.Context, *server.App) error{mails.closeAtEnd},
	}, nil
}
