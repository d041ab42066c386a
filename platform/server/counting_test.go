package server_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
)

// The service of these tests counts. It goes by the name of a real one, because topics belong to names.
const counting = "inventory"

type count struct {
	Total int64
	Noted []string
}

type fact interface {
	es.Event
	fact()
}

type added struct {
	By    int64  `json:"by"`
	Order string `json:"order,omitempty"`
}

type noted struct {
	What string `json:"what"`
}

func (added) Kind() string { return "counter.added" }
func (noted) Kind() string { return "counter.noted" }
func (added) fact()        {}
func (noted) fact()        {}

var counters = es.Category[count, fact]{
	Name:  "counter",
	Kinds: []es.Kind{es.KindOf[added](), es.KindOf[noted]()},
	Evolve: func(c count, f fact) count {
		switch f := f.(type) {
		case added:
			c.Total += f.By
		case noted:
			c.Noted = append(append([]string{}, c.Noted...), f.What)
		}
		return c
	},
}

// errand is a job. What becomes of it is up to the test.
type errand struct {
	What string `json:"what"`
}

func (errand) Kind() string { return "errand" }

// errands does what each test says, by the errand's name.
type errands struct {
	mu sync.Mutex
	do map[string]func(context.Context, *server.App, server.JobOf[errand]) error
}

func (e *errands) on(what string, do func(context.Context, *server.App, server.JobOf[errand]) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.do == nil {
		e.do = map[string]func(context.Context, *server.App, server.JobOf[errand]) error{}
	}
	e.do[what] = do
}

func (e *errands) work(ctx context.Context, app *server.App, job server.JobOf[errand]) error {
	e.mu.Lock()
	do := e.do[job.Args.What]
	e.mu.Unlock()
	if do == nil {
		return app.Record(ctx, job.Job, note(job.Tenant, job.Subject, job.Args.What))
	}
	return do(ctx, app, job)
}

func add(tenant, id string, by int64, jobs ...es.Job) es.Command {
	return es.On(counters, counters.Stream(tenant, id), func(c count) ([]fact, []es.Job, error) {
		if by == 13 {
			return nil, nil, es.Refuse(es.Conflict, "13 is never added")
		}
		return []fact{added{By: by}}, jobs, nil
	})
}

func note(tenant, id, what string) es.Command {
	return es.On(counters, counters.Stream(tenant, id), func(count) ([]fact, []es.Job, error) {
		return []fact{noted{What: what}}, nil, nil
	})
}

type counterView struct {
	ID    string   `json:"id"`
	Total int64    `json:"total"`
	Noted []string `json:"noted"`
}

type additionInput struct {
	server.Post
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		By     int64  `json:"by" minimum:"1" maximum:"1000"`
		Email  string `json:"email,omitempty" format:"email" maxLength:"50"`
		Link   string `json:"link,omitempty" format:"uri"`
		Errand string `json:"errand,omitempty"`
		Labels []struct {
			Name string `json:"name" minLength:"1"`
		} `json:"labels,omitempty"`
	}
}

func countingService(e *errands) server.Service {
	return server.Service{
		Name: counting, Doc: "Counts.", Port: 8083,
		Categories: []es.Erased{counters},
		Hears:      []contracts.Event{contracts.OrderPlaced{}},
		React: func(m contracts.Message, _ time.Time) es.Command {
			order, ok := m.Data.(contracts.OrderPlaced)
			if !ok {
				return es.Nothing()
			}
			return es.On(counters, counters.Stream(m.Tenant, m.Subject), func(count) ([]fact, []es.Job, error) {
				return []fact{added{By: int64(len(order.Lines)), Order: m.Subject}}, []es.Job{errand{What: "after " + m.Subject}}, nil
			})
		},
		Publish: func(r es.Recorded) []contracts.Event {
			if a, ok := r.Event.(added); ok && a.Order != "" {
				return []contracts.Event{contracts.StockReserved{}}
			}
			return nil
		},
		Routes:  countingRoutes,
		Workers: func(w *server.Workers) { server.Work(w, e.work) },
	}
}

func countingRoutes(api huma.API, app *server.App) {
	huma.Register(api, huma.Operation{
		OperationID: "add", Method: http.MethodPost, Path: "/v1/counters/{id}/additions", DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, in *additionInput) (*server.Reply[counterView], error) {
		tenant := server.CallerFrom(ctx).Tenant
		var jobs []es.Job
		if in.Body.Errand != "" {
			jobs = append(jobs, errand{What: in.Body.Errand})
		}
		return server.Execute(ctx, app, in.Post, add(tenant, in.ID, in.Body.By, jobs...), func(s es.States) server.Reply[counterView] {
			c := counters.State(s, counters.Stream(tenant, in.ID))
			return server.Reply[counterView]{
				Status: http.StatusCreated, Location: "/v1/counters/" + in.ID,
				Body: counterView{ID: in.ID, Total: c.Total, Noted: c.Noted},
			}
		})
	})
	huma.Register(api, huma.Operation{OperationID: "get", Method: http.MethodGet, Path: "/v1/counters/{id}"},
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*struct{ Body counterView }, error) {
			stream := counters.Stream(server.CallerFrom(ctx).Tenant, in.ID)
			states, err := app.Log.Load(ctx, stream)
			if err == nil && states.Version(stream) == 0 {
				err = es.Refuse(es.NotFound, "there is no such counter")
			}
			if err != nil {
				return nil, server.Problem(err)
			}
			c := counters.State(states, stream)
			return &struct{ Body counterView }{counterView{in.ID, c.Total, c.Noted}}, nil
		})
	huma.Register(api, huma.Operation{OperationID: "retry", Method: http.MethodPost, Path: "/v1/counters/{id}/retry", DefaultStatus: http.StatusAccepted},
		func(ctx context.Context, in *struct {
			server.Post
			ID string `path:"id"`
		}) (*server.Reply[counterView], error) {
			tenant := server.CallerFrom(ctx).Tenant
			return server.Execute(ctx, app, in.Post, note(tenant, in.ID, "retry"), func(es.States) server.Reply[counterView] {
				return server.Reply[counterView]{Status: http.StatusAccepted, Body: counterView{ID: in.ID}}
			})
		})
	huma.Register(api, huma.Operation{OperationID: "webhook", Method: http.MethodPost, Path: "/v1/webhooks", DefaultStatus: http.StatusOK},
		func(ctx context.Context, _ *struct{}) (*struct{ Body string }, error) {
			return &struct{ Body string }{string(server.RawBody(ctx))}, nil
		})
	huma.Register(api, huma.Operation{OperationID: "panic", Method: http.MethodGet, Path: "/v1/panic"},
		func(context.Context, *struct{}) (*struct{}, error) { panic("mallory@example.com") })
	huma.Register(api, huma.Operation{OperationID: "broken", Method: http.MethodGet, Path: "/v1/broken"},
		func(context.Context, *struct{}) (*struct{}, error) {
			return nil, server.Problem(errors.New("the inside of the service"))
		})
}
