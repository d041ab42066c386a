package suite

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/url"
)

// Path is where a suite describes itself to programs.
const Path = "/suite.json"

//go:embed page.html
var pageHTML string

// Handler serves the start page at /, and the description at Path. Addresses that listen on every interface
// (0.0.0.0) are told by the name that the caller knows the machine by.
func Handler(d Description) http.Handler {
	page := template.Must(template.New("page").Parse(pageHTML))
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, r *http.Request) {
		body, err := json.MarshalIndent(SeenFrom(d, r.Host), "", "  ")
		answer(w, "application/json", append(body, '\n'), err)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		err := page.Execute(&body, pageOf(SeenFrom(d, r.Host)))
		answer(w, "text/html; charset=utf-8", body.Bytes(), err)
	})
	return mux
}

func answer(w http.ResponseWriter, contentType string, body []byte, err error) {
	if err != nil {
		http.Error(w, "the suite cannot be described", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // a caller that is gone will ask again
}

// SeenFrom is the description with addresses that can be reached by who knows the machine by this host's name.
func SeenFrom(d Description, host string) Description {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	named := func(addresses map[string]string) map[string]string {
		out := make(map[string]string, len(addresses))
		for name, address := range addresses {
			out[name] = reachable(address, host)
		}
		return out
	}
	d.Services, d.Simulators = named(d.Services), named(d.Simulators)
	return d
}

func reachable(address, host string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" { // host:port alone
		u = &url.URL{Host: address}
	}
	name, port, err := net.SplitHostPort(u.Host)
	if ip := net.ParseIP(name); err != nil || ip == nil || !ip.IsUnspecified() {
		return address
	}
	u.Host = net.JoinHostPort(host, port)
	if u.Scheme == "" {
		return u.Host
	}
	return u.String()
}

type pageData struct {
	Version     string
	Services    []link
	ServiceDocs []string
	Simulators  []book
	SMTP        string
	Kafka       []string
}

type link struct{ Name, URL string }

type book struct{ Name, What, URL string }

// pageOf puts what a description names into the order in which people meet it.
func pageOf(d Description) pageData {
	data := pageData{
		Version: d.Version, SMTP: d.Simulators[SMTP], Kafka: d.KafkaBrokers,
		ServiceDocs: []string{"docs", "openapi.json", "healthz", "readyz", "metrics"},
	}
	for _, name := range ServiceNames() {
		if u := d.Services[name]; u != "" {
			data.Services = append(data.Services, link{name, u})
		}
	}
	for _, b := range []book{
		{Provider, "payments", "/v1/payments"},
		{Carrier, "bookings", "/v1/bookings"},
		{Mailbox, "mails", "/v1/mails"},
	} {
		if u := d.Simulators[b.Name]; u != "" {
			data.Simulators = append(data.Simulators, book{b.Name, b.What, u + b.URL})
		}
	}
	return data
}
