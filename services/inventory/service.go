package inventory

import (
	"embed"

	"waybill.dev/platform/server"
	"waybill.dev/services/inventory/stock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is what inventory is configured by: nothing beyond what every service has.
type Config struct {
	server.Config
}

const (
	// Port is where inventory listens unless it is told otherwise.
	Port = 8083
	// Doc is what it is for.
	Doc = "What stands on the shelves, and what is reserved of it for orders."
)

// Defaults are the configuration of inventory on this machine.
func Defaults() Config { return Config{Config: server.Defaults(Port)} }

// New is inventory's table of contents. It calls nobody outside, so it has no jobs.
func New(Config) (server.Service, error) {
	return server.Service{
		Name:       "inventory",
		Doc:        Doc,
		Port:       Port,
		Categories: stock.Categories(),
		Hears:      stock.Hears(),
		React:      stock.React,
		Publish:    Publish,
		Project:    projectLevels,
		Routes:     routes,
		Migrations: migrations,
	}, nil
}
