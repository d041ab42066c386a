package verify

import (
	"cmp"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"waybill.dev/cmd/waybill/suite"
	audit "waybill.dev/cmd/waybill/verify"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/provider"
	"waybill.dev/tests/world"
)

// ground is a world, and what reaches its parts.
type ground struct {
	orders map[string][]world.Order
	// admin logs in to its database, brokers and prefix are its Kafka, books the folder of its journals.
	admin   string
	brokers []string
	prefix  string
	books   string
	// template is the database as it was written.
	template pgtest.Template
}

// first is the first order of a way.
func (g ground) first(way string) world.Order { return g.orders[way][0] }

// newGround writes a world of some orders of each way. The name tells it apart from others of this process.
func newGround(t *testing.T, name string, change func(*world.Options)) ground {
	t.Helper()
	g := ground{brokers: kafkatest.Brokers(t), prefix: name + "-", books: t.TempDir()}
	o := world.Options{Brokers: g.brokers, Prefix: g.prefix, Books: g.books, Orders: 60}
	if change != nil {
		change(&o)
	}
	g.template = pgtest.Template{Name: name, Migrate: func(ctx context.Context, adminURL string) (err error) {
		o.AdminURL = adminURL
		g.orders, err = world.Write(ctx, o)
		return err
	}}
	g.admin = pgtest.Database(t, g.template)
	return g
}

// copy is the world with a database and books of its own, on the same Kafka.
func (g ground) copy(t *testing.T) ground {
	t.Helper()
	own := g
	own.admin, own.books = pgtest.Database(t, g.template), t.TempDir()
	if err := os.CopyFS(own.books, os.DirFS(g.books)); err != nil {
		t.Fatal(err)
	}
	return own
}

// sources starts the simulators on the world's books as they are.
func (g ground) sources(t *testing.T) audit.Sources {
	t.Helper()
	books := t.TempDir()
	if err := os.CopyFS(books, os.DirFS(g.books)); err != nil {
		t.Fatal(err)
	}
	charges, err := provider.New(provider.Config{Listen: "127.0.0.1:0", Data: filepath.Join(books, suite.Provider)})
	if err != nil {
		t.Fatal(err)
	}
	run(t, charges.Run)
	parcels, err := carrier.New(carrier.Config{Listen: "127.0.0.1:0", Data: filepath.Join(books, suite.Carrier)})
	if err != nil {
		t.Fatal(err)
	}
	run(t, parcels.Run)
	s := audit.Sources{
		Databases: map[string]string{}, Brokers: g.brokers, Prefix: g.prefix, Provider: charges.URL(), Carrier: parcels.URL(),
	}
	for _, name := range suite.ServiceNames() {
		s.Databases[name] = g.admin
	}
	return s
}

// auditor is the login of one who may read all schemas, and nothing else.
func (g ground) auditor(t *testing.T) string {
	t.Helper()
	g.exec(t, "CREATE ROLE inspector LOGIN PASSWORD 'inspects' IN ROLE "+postgres.Auditor)
	login, err := url.Parse(g.admin)
	if err != nil {
		t.Fatal(err)
	}
	login.User = url.UserPassword("inspector", "inspects")
	return login.String()
}

// run runs a simulator until the test ends.
func run(t *testing.T, simulator func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- simulator(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// audit holds the world against what must be true.
func (g ground) audit(t *testing.T, atRest bool) audit.Report {
	t.Helper()
	folder := t.TempDir()
	report, err := audit.Run(t.Context(), audit.Options{Sources: g.sources(t), AtRest: atRest, Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("the audit has left %v, %v", left, err)
	}
	return report
}

// exec changes the database as the superuser may, past the rules of the log.
func (g ground) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), g.admin)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.WithoutCancel(t.Context()))
	if _, err := connection.Exec(t.Context(), "SET session_replication_role = replica"); err != nil {
		t.Fatal(err)
	}
	tag, err := connection.Exec(t.Context(), sql, args...)
	if err != nil || tag.RowsAffected() == 0 && (tag.Update() || tag.Insert() || tag.Delete()) {
		t.Fatalf("%s: %d rows, %v", sql, tag.RowsAffected(), err)
	}
}

// query reads one value.
func (g ground) query(t *testing.T, into any, sql string, args ...any) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), g.admin)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.WithoutCancel(t.Context()))
	if err := connection.QueryRow(t.Context(), sql, args...).Scan(into); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// write changes a simulator's journal.
func (g ground) write(t *testing.T, simulator string, change func(lines []string) []string) {
	t.Helper()
	name := filepath.Join(g.books, simulator, simulator+".jsonl")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := change(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"))
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wrong are the statements that were found not to hold, by what they do not hold of.
func wrong(r audit.Report) map[string][]int {
	found := map[string][]int{}
	for _, f := range r.Findings {
		key := f.Tenant + "/" + f.Subject
		if !slices.Contains(found[key], f.Statement) {
			found[key] = append(found[key], f.Statement)
		}
	}
	return found
}

func show(t *testing.T, r audit.Report) {
	t.Helper()
	slices.SortFunc(r.Findings, func(a, b audit.Finding) int { return cmp.Compare(a.Statement, b.Statement) })
	for _, f := range r.Findings {
		t.Logf("%d %s/%s: %s", f.Statement, f.Tenant, f.Subject, f.Evidence)
	}
	for _, n := range slices.Concat(r.Flights, r.Unproven) {
		t.Logf("%s/%s: %s", n.Tenant, n.Order, n.Why)
	}
}
