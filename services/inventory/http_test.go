package inventory_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/contracts"
	"waybill.dev/platform/server"
	"waybill.dev/platform/servicetest"
	"waybill.dev/services/inventory"
)

// shop is inventory as one tenant sees it.
type shop struct {
	*servicetest.Service
	tenant string
}

// start runs inventory until the test ends.
func start(t *testing.T) *servicetest.Service {
	t.Helper()
	s := servicetest.Start(t, service(t).Name, service(t).Migrations, func(c server.Config) (server.Service, error) {
		return inventory.New(inventory.Config{Config: c})
	})
	servicetest.Eventually(t, func() bool {
		return string(s.Call(t, "", "GET", "/readyz", nil).Body) == "{\"status\":\"ready\"}\n"
	}, func() string { return "inventory does not become ready:\n" + s.Log.String() })
	return s
}

type request struct {
	method, path, body string
	headers            []string
}

func get(path string) request { return request{method: "GET", path: path} }

func post(path, body string) request { return request{method: "POST", path: path, body: body} }

func (r request) with(header, value string) request {
	r.headers = append(slices.Clip(r.headers), header, value)
	return r
}

func (s shop) call(t *testing.T, r request) servicetest.Response {
	t.Helper()
	var body any
	if r.body != "" {
		body = []byte(r.body)
	}
	return s.Call(t, s.tenant, r.method, r.path, body, r.headers...)
}

// expect sends the request and expects the status, and the body where one is given as JSON.
func (s shop) expect(t *testing.T, r request, status int, want string) http.Header {
	t.Helper()
	got := s.call(t, r)
	if got.Status != status {
		t.Fatalf("%s %s: %d, want %d: %s", r.method, r.path, got.Status, status, got.Body)
	}
	if want != "" {
		if diff := cmp.Diff(decoded(t, []byte(want)), decoded(t, got.Body)); diff != "" {
			t.Fatalf("%s %s (-want +got):\n%s", r.method, r.path, diff)
		}
	}
	if content := got.Header.Get("Content-Type"); status >= 400 && content != "application/problem+json" {
		t.Fatalf("%s %s: %d is a %s", r.method, r.path, status, content)
	}
	return got.Header
}

func decoded(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}

// HTTP in, HTTP out: all on one running service, each test a tenant of its own.
func TestHTTP(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, test := range map[string]func(*testing.T, shop){
		"receipts":        testReceipts,
		"adjustments":     testAdjustments,
		"idempotency-key": testIdempotencyKey,
		"list":            testList,
		"tenants":         testTenants,
		"bad-input":       testBadInput,
		"openapi":         testOpenAPI,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, shop{s, name})
		})
	}
}

func testReceipts(t *testing.T, s shop) {
	t.Helper()
	po1 := post("/v1/stock/mug.Blue_1-x/receipts", `{"quantity": 5, "reference": "PO/1 – first"}`)
	header := s.expect(t, po1, 201, `{"sku": "mug.Blue_1-x", "onHand": 5, "reserved": 0, "available": 5}`)
	if got := header.Get("Location"); got != "/v1/stock/mug.Blue_1-x" {
		t.Fatalf("Location is %q", got)
	}
	s.expect(t, po1, 201, `{"sku": "mug.Blue_1-x", "onHand": 5, "reserved": 0, "available": 5}`)
	s.expect(t, post("/v1/stock/mug.Blue_1-x/receipts", `{"quantity": 6, "reference": "PO/1 – first"}`), 409, "")
	s.expect(t, post("/v1/stock/mug.Blue_1-x/receipts", `{"quantity": 1000000000, "reference": "PO-2"}`), 201,
		`{"sku": "mug.Blue_1-x", "onHand": 1000000005, "reserved": 0, "available": 1000000005}`)
	s.expect(t, get("/v1/stock/mug.Blue_1-x"), 200,
		`{"sku": "mug.Blue_1-x", "onHand": 1000000005, "reserved": 0, "available": 1000000005}`)
}

func testAdjustments(t *testing.T, s shop) {
	t.Helper()
	s.expect(t, post("/v1/stock/mug/adjustments", `{"quantity": 5, "reason": "found"}`), 404, "")
	s.expect(t, post("/v1/stock/mug/receipts", `{"quantity": 5, "reference": "PO-1"}`), 201, "")
	s.expect(t, post("/v1/stock/mug/adjustments", `{"quantity": -2, "reason": "broken"}`), 201,
		`{"sku": "mug", "onHand": 3, "reserved": 0, "available": 3}`)
	s.expect(t, post("/v1/stock/mug/adjustments", `{"quantity": -4, "reason": "broken"}`), 409, "")
	s.expect(t, post("/v1/stock/mug/adjustments", `{"quantity": -3, "reason": "broken"}`), 201,
		`{"sku": "mug", "onHand": 0, "reserved": 0, "available": 0}`)
	s.expect(t, get("/v1/stock/mug"), 200, `{"sku": "mug", "onHand": 0, "reserved": 0, "available": 0}`)
}

func testIdempotencyKey(t *testing.T, s shop) {
	t.Helper()
	s.expect(t, post("/v1/stock/mug/receipts", `{"quantity": 5, "reference": "PO-1"}`), 201, "")
	once := post("/v1/stock/mug/adjustments", `{"quantity": 2, "reason": "found"}`).with("Idempotency-Key", "k1")
	answer := `{"sku": "mug", "onHand": 7, "reserved": 0, "available": 7}`
	first := s.expect(t, once, 201, answer)
	s.expect(t, post("/v1/stock/mug/adjustments", `{"quantity": 1, "reason": "found"}`), 201, "")
	again := s.expect(t, once, 201, answer)
	if first.Get("Location") != "/v1/stock/mug" || again.Get("Location") != first.Get("Location") {
		t.Fatalf("Location was %q, then %q", first.Get("Location"), again.Get("Location"))
	}
	once.body = `{"quantity": 3, "reason": "found"}`
	s.expect(t, once, 422, "")
	s.expect(t, get("/v1/stock/mug"), 200, `{"sku": "mug", "onHand": 8, "reserved": 0, "available": 8}`)
}

func testList(t *testing.T, s shop) {
	t.Helper()
	want := []string{"10", "9", "A", "B-1", "B.1", "_", "a"} // in the order of their bytes
	slices.Sort(want)
	for i, sku := range want {
		s.expect(t, post("/v1/stock/"+sku+"/receipts", fmt.Sprintf(`{"quantity": %d, "reference": "r"}`, i+1)), 201, "")
	}
	s.expect(t, post("/v1/stock/theirs/receipts", `{"quantity": 1, "reference": "r"}`).with("X-Tenant-ID", "another"), 201, "")
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		cursor, pages := "", 0
		for {
			answer := s.call(t, get(fmt.Sprintf("/v1/stock?limit=%d&cursor=%s", limit, cursor)))
			var page inventory.StockPage
			if answer.JSON(t, &page); answer.Status != http.StatusOK || len(page.Items) > limit {
				t.Fatalf("limit %d: %d: %s", limit, answer.Status, answer.Body)
			}
			pages++
			for _, l := range page.Items {
				got = append(got, l.SKU)
				if l.OnHand != int64(len(got)) || l.Available != l.OnHand {
					t.Errorf("limit %d: %+v", limit, l)
				}
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
		if fewest := (len(want) + limit - 1) / limit; pages != fewest {
			t.Errorf("limit %d: %d pages, want %d", limit, pages, fewest)
		}
	}
	s.expect(t, get("/v1/stock").with("X-Tenant-ID", "a-third"), 200, `{"items": []}`)
}

func testTenants(t *testing.T, s shop) {
	t.Helper()
	s.expect(t, post("/v1/stock/mug/receipts", `{"quantity": 5, "reference": "PO-1"}`), 201, "")
	s.expect(t, get("/v1/stock/mug").with("X-Tenant-ID", "another"), 404, "")
	s.expect(t, post("/v1/stock/mug/adjustments", `{"quantity": 1, "reason": "found"}`).with("X-Tenant-ID", "another"), 404, "")
	s.expect(t, post("/v1/stock/mug/receipts", `{"quantity": 7, "reference": "PO-1"}`).with("X-Tenant-ID", "another"), 201,
		`{"sku": "mug", "onHand": 7, "reserved": 0, "available": 7}`)
	s.expect(t, get("/v1/stock/mug"), 200, `{"sku": "mug", "onHand": 5, "reserved": 0, "available": 5}`)
}

// A struct's tag holds no constant.
func TestTheSchemaOfASKUIsThatOfTheContracts(t *testing.T) {
	t.Parallel()
	field, _ := reflect.TypeFor[inventory.ShelfInput]().FieldByName("SKU")
	if got := field.Tag.Get("pattern"); got != contracts.SKUPattern {
		t.Errorf("a path's SKU is %s, and a SKU %s", got, contracts.SKUPattern)
	}
}

// Whatever is wrong is named, all of it at once, and nothing is stored.
func testBadInput(t *testing.T, s shop) {
	t.Helper()
	s.expect(t, post("/v1/stock/mug/receipts", `{"quantity": 5, "reference": "PO-1"}`), 201, "")
	const receipts, adjustments = "/v1/stock/mug/receipts", "/v1/stock/mug/adjustments"
	long := strings.Repeat("x", 501)
	cases := map[string]struct {
		request request
		status  []int
		wrong   []string // locations
	}{
		"malformed JSON":           {post(receipts, `{"quantity": 5,`), []int{400, 422}, nil},
		"no object":                {post(receipts, `[]`), []int{422}, nil},
		"no body":                  {request{method: "POST", path: receipts}, []int{400, 422}, nil},
		"empty object":             {post(receipts, `{}`), []int{422}, nil},
		"unknown field":            {post(receipts, `{"quantity": 5, "reference": "r", "colour": "blue"}`), []int{422}, []string{"body.colour"}},
		"quantity 0, no reference": {post(receipts, `{"quantity": 0, "reference": ""}`), []int{422}, []string{"body.quantity", "body.reference"}},
		"negative quantity":        {post(receipts, `{"quantity": -5, "reference": "r"}`), []int{422}, []string{"body.quantity"}},
		"absurd quantity":          {post(receipts, `{"quantity": 1000000001, "reference": "r"}`), []int{422}, []string{"body.quantity"}},
		"more than int64":          {post(receipts, `{"quantity": 99999999999999999999, "reference": "r"}`), []int{422}, []string{"body.quantity"}},
		"half a piece":             {post(receipts, `{"quantity": 1.5, "reference": "r"}`), []int{422}, []string{"body.quantity"}},
		"a quantity of letters":    {post(receipts, `{"quantity": "5", "reference": "r"}`), []int{422}, []string{"body.quantity"}},
		"over-long reference":      {post(receipts, `{"quantity": 5, "reference": "`+long[:201]+`"}`), []int{422}, []string{"body.reference"}},
		"control character":        {post(receipts, `{"quantity": 5, "reference": "a\nb"}`), []int{422}, []string{"body.reference"}},
		"U+0000":                   {post(receipts, `{"quantity": 5, "reference": "a\u0000b"}`), []int{400, 422}, nil},
		"invalid UTF-8":            {post(receipts, "{\"quantity\": 5, \"reference\": \"a\xffb\"}"), []int{400, 422}, nil},
		"adjustment by 0":          {post(adjustments, `{"quantity": 0, "reason": ""}`), []int{422}, []string{"body.quantity", "body.reason"}},
		"absurd adjustment":        {post(adjustments, `{"quantity": -1000000001, "reason": "`+long+`"}`), []int{422}, []string{"body.quantity", "body.reason"}},
		"SKU with a space":         {get("/v1/stock/a%20b"), []int{422}, []string{"path.sku"}},
		"SKU with a slash":         {get("/v1/stock/a%2Fb"), []int{404, 422}, nil},
		"SKU with U+0000":          {get("/v1/stock/a%00b"), []int{400, 422}, nil},
		"SKU of 65 characters":     {post("/v1/stock/"+long[:65]+"/receipts", `{"quantity": 0, "reference": "r"}`), []int{422}, []string{"body.quantity", "path.sku"}},
		"unknown SKU":              {get("/v1/stock/unheard-of"), []int{404}, nil},
		"unknown order":            {get("/v1/reservations/0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"), []int{404}, nil},
		"over-long order":          {get("/v1/reservations/" + long), []int{422}, []string{"path.orderId"}},
		"malformed cursor":         {get("/v1/stock?cursor=%25%25"), []int{422}, []string{"query.cursor"}},
		"a cursor of another list": {get("/v1/stock?cursor=eyJhIjoxfQ"), []int{422}, []string{"query.cursor"}},
		"limit 0":                  {get("/v1/stock?limit=0"), []int{422}, []string{"query.limit"}},
		"limit 201":                {get("/v1/stock?limit=201"), []int{422}, []string{"query.limit"}},
		"limit of letters":         {get("/v1/stock?limit=many"), []int{422}, []string{"query.limit"}},
		"tenant in capitals":       {get("/v1/stock").with("X-Tenant-ID", "ACME"), []int{400}, nil},
		"wrong content type":       {post(receipts, `{"quantity": 5, "reference": "r"}`).with("Content-Type", "text/plain"), []int{415}, nil},
		"body over 1 MiB":          {post(receipts, `{"quantity": 5, "reference": "`+strings.Repeat("x", 1<<20)+`"}`), []int{413}, nil},
		"unknown route":            {get("/v1/stocks"), []int{404}, nil},
		"wrong method":             {request{method: "DELETE", path: "/v1/stock/mug"}, []int{405}, nil},
	}
	t.Run("each", func(t *testing.T) {
		for name, test := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				answer := s.call(t, test.request)
				if !slices.Contains(test.status, answer.Status) {
					t.Fatalf("%d, want one of %v: %s", answer.Status, test.status, answer.Body)
				}
				if got := answer.Header.Get("Content-Type"); got != "application/problem+json" {
					t.Errorf("content type %q", got)
				}
				var problem struct {
					Errors []struct{ Location string }
				}
				answer.JSON(t, &problem)
				var wrong []string
				for _, e := range problem.Errors {
					wrong = append(wrong, e.Location)
				}
				slices.Sort(wrong)
				if diff := cmp.Diff(test.wrong, slices.Compact(wrong)); test.wrong != nil && diff != "" {
					t.Errorf("wrong fields (-want +got):\n%s%s", diff, answer.Body)
				}
			})
		}
	})
	s.expect(t, get("/v1/stock"), 200, `{"items": [{"sku": "mug", "onHand": 5, "reserved": 0, "available": 5}]}`)
}

// The documentation names every route with a summary, and every error that it may answer.
func testOpenAPI(t *testing.T, s shop) {
	t.Helper()
	answer := s.call(t, get("/openapi.json"))
	var api struct {
		Paths map[string]map[string]struct {
			Summary   string
			Responses map[string]any
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Type any }
			}
		}
	}
	answer.JSON(t, &api)
	for route, statuses := range map[string]string{
		"post /v1/stock/{sku}/receipts":    "201 400 409 413 415 422 500 503",
		"post /v1/stock/{sku}/adjustments": "201 400 404 409 413 415 422 500 503",
		"get /v1/stock/{sku}":              "200 400 404 422 500 503",
		"get /v1/stock":                    "200 400 422 500 503",
		"get /v1/reservations/{orderId}":   "200 400 404 422 500 503",
	} {
		method, path, _ := strings.Cut(route, " ")
		operation := api.Paths[path][method]
		var got []string
		for status := range operation.Responses {
			got = append(got, status)
		}
		slices.Sort(got)
		if operation.Summary == "" || strings.Join(got, " ") != statuses {
			t.Errorf("%s: %q, %v, want %s", route, operation.Summary, got, statuses)
		}
	}
	for schema, lists := range map[string][]string{"StockPage": {"items"}, "Reservation": {"lines", "shortages"}} {
		for _, list := range lists {
			if got := api.Components.Schemas[schema].Properties[list].Type; got != "array" {
				t.Errorf("%s of %s: %v, and not always a list", list, schema, got)
			}
		}
	}
}
