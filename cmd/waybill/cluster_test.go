package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	localpostgres "waybill.dev/local/postgres"
)

// programs is the folder of PostgreSQL's programs, those that dump and restore among them.
func programs(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err != nil || len(found) == 0 {
		t.Fatalf("pg_dump is needed: install the package postgresql (%v)", err)
	}
	return filepath.Dir(found[len(found)-1])
}

// startCluster starts a server that has spent some transactions.
func startCluster(t *testing.T, programs string, transactions int) *localpostgres.Server {
	t.Helper()
	server, err := localpostgres.Start(t.Context(), localpostgres.Config{Ephemeral: true, Binaries: programs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	// Each block with an exception is a transaction in the transaction, and has an id where it writes.
	administer(t, server.URL("postgres"), "CREATE TABLE spent (n int)", fmt.Sprintf(`DO $$ BEGIN
		FOR i IN 1..%d LOOP
			BEGIN INSERT INTO spent VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END;
		END LOOP; END $$`, transactions))
	return server
}

func administer(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// dumped is the roles, as SQL, and the database.
type dumped struct{ roles, archive string }

// dump dumps the cluster as docs/runbooks/restore.md says.
func dump(t *testing.T, programs string, server *localpostgres.Server) dumped {
	t.Helper()
	d := dumped{archive: filepath.Join(t.TempDir(), "waybill.dump")}
	d.roles = run(t, nil, filepath.Join(programs, "pg_dumpall"), "--roles-only", "--dbname", server.URL("postgres"))
	run(t, nil, filepath.Join(programs, "pg_dump"), "--format=custom", "--file", d.archive, "--dbname", server.URL("waybill"))
	return d
}

// restore restores what was dumped, and returns the administrator's login.
func restore(t *testing.T, programs string, server *localpostgres.Server, d dumped) string {
	t.Helper()
	// The administrator of the new cluster is there already: it is not made again.
	roles := slices.DeleteFunc(strings.Split(d.roles, "\n"), func(line string) bool {
		return strings.Contains(line, " ROLE waybill ") || strings.Contains(line, " ROLE waybill;")
	})
	run(t, strings.NewReader(strings.Join(roles, "\n")), filepath.Join(programs, "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", server.URL("postgres"))
	administer(t, server.URL("postgres"), "CREATE DATABASE waybill")
	run(t, nil, filepath.Join(programs, "pg_restore"), "--exit-on-error", "--dbname", server.URL("waybill"), d.archive)
	return server.URL("waybill")
}

func run(t *testing.T, stdin io.Reader, program string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Stdin = stdin
	var errs strings.Builder
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", filepath.Base(program), err, errs.String())
	}
	return string(out)
}
