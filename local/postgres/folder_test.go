package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBrokenDataFolder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"no version":      {map[string]string{"password": "secret\n", "cluster/base/1/2": "x"}, []string{"broken", "PG_VERSION"}},
		"garbage version": {map[string]string{"password": "secret\n", "cluster/PG_VERSION": "\x00\x01"}, []string{"broken", "PG_VERSION"}},
		"other version":   {map[string]string{"password": "secret\n", "cluster/PG_VERSION": "9\n"}, []string{"is of PostgreSQL 9"}},
		"no password":     {map[string]string{"cluster/PG_VERSION": installedMajor(t)}, []string{"broken", "password"}},
		"empty password":  {map[string]string{"cluster/PG_VERSION": installedMajor(t), "password": ""}, []string{"broken", "password"}},
		"hollow cluster":  {map[string]string{"cluster/PG_VERSION": installedMajor(t), "password": "secret\n"}, []string{"did not start"}},
		"something else":  {map[string]string{"thesis.odt": "years of work"}, []string{"holds thesis.odt, which is none of postgres"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := dataFolder(t)
			for file, content := range test.files {
				path := filepath.Join(data, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Start(t.Context(), Config{Data: data, Binaries: System})
			wantFailure(t, err, test.want...)
			for file := range test.files {
				if _, err := os.Stat(filepath.Join(data, file)); err != nil {
					t.Errorf("the failed start removed %s", file)
				}
			}
		})
	}
}

func TestDataFolderIsAFile(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	if err := os.WriteFile(data, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{Data: data, Binaries: System})
	wantFailure(t, err, "not a directory")
}

func TestNoDataFolder(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Config{Binaries: System})
	wantFailure(t, err, "no data folder given")
}

// An initialisation that was cut short is begun anew.
func TestHalfInitialisedFolder(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	half := filepath.Join(data, halfName, clusterName)
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		filepath.Join(half, "PG_VERSION"):             installedMajor(t),
		filepath.Join(data, passwordName):             "old\n",
		filepath.Join(data, passwordName) + newSuffix: "ol",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := mustStart(t, Config{Data: data, Binaries: System})
	if got := query[int](t, server.URL("postgres"), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 gives %d", got)
	}
	if _, err := os.Stat(filepath.Join(data, halfName)); !os.IsNotExist(err) {
		t.Errorf("the half-made cluster is still there: %v", err)
	}
}

func installedMajor(t *testing.T) string {
	t.Helper()
	folder, err := systemBinaries()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(filepath.Base(filepath.Dir(folder))) + "\n"
}
