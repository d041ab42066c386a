// Package client speaks to a running suite: its services, and the books of its simulators.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"waybill.dev/cmd/waybill/suite"
)

// Client speaks for one tenant. It may be used by many goroutines.
type Client struct {
	suite  suite.Description
	tenant string
	key    string
	http   *http.Client
}

const (
	requestTimeout = 30 * time.Second
	// idleConnections are kept to each server, so that a burst of requests need not open new ones.
	idleConnections = 256
	answerMaxSize   = 16 << 20
)

// DefaultTenant is whose data it is where none is named.
const DefaultTenant = "default"

// New makes a client of the suite for DefaultTenant.
func New(d suite.Description) *Client {
	return &Client{
		suite:  d,
		tenant: DefaultTenant,
		http: &http.Client{
			Timeout:   requestTimeout,
			Transport: &http.Transport{MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: time.Minute},
		},
	}
}

// Close lets go of idle connections, those of all clients made from this one included.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Tenant is whom the client speaks for.
func (c *Client) Tenant() string { return c.tenant }

// ForTenant is the same client for another tenant.
func (c *Client) ForTenant(tenant string) *Client {
	other := *c
	other.tenant = tenant
	return &other
}

// Under is the same client, whose posts carry the idempotency key: sent again, they are done once.
func (c *Client) Under(key string) *Client {
	other := *c
	other.key = key
	return &other
}

// Get asks a service for what is at the path, and decodes it into answer unless that is nil.
func (c *Client) Get(ctx context.Context, service, path string, query url.Values, answer any) error {
	return c.send(ctx, http.MethodGet, c.suite.Services[service], service, path, query, nil, answer)
}

// Post sends a body to a service, and decodes what it answers into answer unless that is nil.
func (c *Client) Post(ctx context.Context, service, path string, body, answer any) error {
	return c.send(ctx, http.MethodPost, c.suite.Services[service], service, path, nil, body, answer)
}

// simulator sends a request to a simulator.
func (c *Client) simulator(ctx context.Context, method, name, path string, query url.Values, answer any) error {
	return c.send(ctx, method, c.suite.Simulators[name], name, path, query, nil, answer)
}

func (c *Client) send(ctx context.Context, method, base, name, path string, query url.Values, body, answer any) error {
	if base == "" {
		return fmt.Errorf("%s: the suite has no such part", name)
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s %s %s: %w", name, method, path, err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, base+path, content)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	request.Header.Set("X-Tenant-ID", c.tenant)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		if c.key != "" {
			request.Header.Set("Idempotency-Key", c.key)
		}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(io.LimitReader(response.Body, answerMaxSize))
	if err != nil {
		return fmt.Errorf("%s %s %s: %w", name, method, path, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s %s: %w", name, method, path, problemOf(response, read))
	}
	if answer == nil || len(read) == 0 {
		return nil
	}
	if err := json.Unmarshal(read, answer); err != nil {
		return fmt.Errorf("%s %s %s: the answer cannot be read: %w", name, method, path, err)
	}
	return nil
}
