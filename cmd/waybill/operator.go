package main

import (
	"context"
	"errors"
	"fmt"

	"waybill.dev/cmd/waybill/suite"
)

// operator is what a command takes that works on a suite's databases: those of a suite that runs by `waybill up`
// are found by themselves.
type operator struct {
	onSuite
	Data        string `help:"Data folder of a suite whose PostgreSQL runs: with --postgres, also while the suite does not." type:"path" placeholder:"DIR"`
	DatabaseURL string `help:"The service's login to its database, where the suite does not keep it." env:"DATABASE_URL" placeholder:"URL"`
}

// errNoDatabase says what to do where the databases' logins are not known.
var errNoDatabase = errors.New("the suite keeps no logins to its databases on this machine: name one service by --service, and its login by --database-url")

// databases are the logins to the databases of the services, by their names: of one where it is named.
func (o operator) databases(ctx context.Context, service string) (map[string]string, error) {
	if o.DatabaseURL != "" {
		if service == "" {
			return nil, errors.New("--database-url is the login of one service: name it by --service")
		}
		return map[string]string{service: o.DatabaseURL}, nil
	}
	folder := o.Data
	if folder == "" {
		running, err := suite.Find(ctx, o.Suite)
		if err != nil {
			return nil, err
		}
		if folder = running.DataFolder; folder == "" {
			return nil, errNoDatabase
		}
	}
	connections, err := suite.LoadConnections(folder)
	if err != nil {
		return nil, err
	}
	if service == "" {
		return connections.Services, nil
	}
	if connections.Services[service] == "" {
		return nil, fmt.Errorf("there is no service %q", service)
	}
	return map[string]string{service: connections.Services[service]}, nil
}
