package mailbox

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"waybill.dev/simulators/internal/books"
	"waybill.dev/simulators/internal/web"
)

func (s *Server) routes() http.Handler {
	router := web.NewRouter(s.config.Logger)
	router.Handle("GET /v1/mails", s.list)
	router.Handle("GET /v1/mails/{id}", s.mail)
	router.Handle("GET /v1/mails/{id}/raw", s.raw)
	return router
}

// filter says which mails are wanted, beyond what the books find by themselves.
type filter struct {
	to, messageID, tenant, order string
	headers                      map[string]string
}

func parseFilter(r *http.Request) (filter, error) {
	values := r.URL.Query()
	wanted := filter{
		to: values.Get("to"), messageID: strings.Trim(values.Get("messageId"), "<> "),
		tenant: values.Get("tenant"), order: values.Get("order"), headers: map[string]string{},
	}
	for _, header := range values["header"] {
		name, value, found := strings.Cut(header, ":")
		if !found || name == "" {
			return filter{}, web.Invalid("header must be Name:value")
		}
		wanted.headers[textproto.CanonicalMIMEHeaderKey(name)] = strings.TrimSpace(value)
	}
	return wanted, nil
}

func (f filter) matches(mail *kept) bool {
	isTo := func(to string) bool { return strings.EqualFold(to, f.to) }
	return (f.to == "" || slices.ContainsFunc(mail.to, isTo)) &&
		(f.messageID == "" || mail.messageID == f.messageID) &&
		(f.tenant == "" || mail.tenant == f.tenant) &&
		(f.order == "" || mail.order == f.order)
}

func (f filter) matchesHeaders(mail Mail) bool {
	for name, value := range f.headers {
		if !slices.Contains(mail.Headers[name], value) {
			return false
		}
	}
	return true
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	query, err := books.ParseQuery(r.URL.Query())
	if err != nil {
		return web.Invalid("%s", err)
	}
	wanted, err := parseFilter(r)
	if err != nil {
		return err
	}
	query.Reference, query.Tenant = "", wanted.tenant
	if wanted.tenant != "" && wanted.order != "" {
		query.Reference = books.Reference(wanted.tenant, wanted.order)
	}
	page, err := s.page(query, wanted)
	if err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, page)
}

func (s *Server) page(query books.Query, wanted filter) (MailPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Under the lock nothing is appended: whatever is found can be read from the disk.
	if err := s.journal.Flush(); err != nil {
		return MailPage{}, err
	}
	page := MailPage{Mails: []Mail{}}
	var failed error
	views := map[*kept]Mail{}
	found, next := s.shelf.mails.Page(query, func(mail *kept) bool {
		if failed != nil || !wanted.matches(mail) {
			return false
		}
		entry, err := s.read(mail)
		if err != nil {
			failed = err
			return false
		}
		views[mail] = entry.view()
		return wanted.matchesHeaders(views[mail])
	})
	for _, mail := range found {
		page.Mails = append(page.Mails, views[mail])
	}
	page.Next = next
	return page, failed
}

func (s *Server) mail(w http.ResponseWriter, r *http.Request) error {
	entry, err := s.find(r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, entry.view())
}

func (s *Server) raw(w http.ResponseWriter, r *http.Request) error {
	entry, err := s.find(r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "message/rfc822")
	_, _ = w.Write(entry.Raw) // a reader that is gone needs no answer
	return nil
}

func (s *Server) find(id string) (record, error) {
	s.mu.Lock()
	mail := s.shelf.byID[id]
	s.mu.Unlock()
	if mail == nil {
		return record{}, web.NewProblem(http.StatusNotFound, "unknown_mail", "there is no such mail here")
	}
	if err := s.journal.Flush(); err != nil {
		return record{}, err
	}
	return s.read(mail)
}
