package postgres

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"waybill.dev/local/internal/child"
	"waybill.dev/local/internal/datafolder"
)

// What a data folder holds.
const (
	passwordName = "password"
	clusterName  = "cluster"
	// halfName is a cluster under way: it is renamed when it is whole, so that a cluster is whole or missing.
	halfName = "cluster.initialising"
	// newSuffix ends the name of a file that is about to replace another.
	newSuffix = ".new"
)

// folder is a data folder that is locked by this process.
type folder struct {
	*datafolder.Folder
	password string
}

func (f *folder) cluster() string { return filepath.Join(f.Path, clusterName) }

func openFolder(path string, ephemeral bool) (*folder, error) {
	opened, err := datafolder.Open(datafolder.Config{
		Path: path, Ephemeral: ephemeral, Server: "postgres",
		Entries: []string{passwordName, passwordName + newSuffix, clusterName, halfName},
	})
	if err != nil {
		return nil, err
	}
	return &folder{Folder: opened}, nil
}

// prepare makes sure that the folder holds a cluster for these binaries.
func (f *folder) prepare(programs binaries, as identity, ephemeral bool) error {
	if as.owner {
		// The server's user must pass through; the password and the cluster stay closed to everybody else.
		if err := os.Chmod(f.Path, 0o711); err != nil {
			return err
		}
	}
	if barrier := as.barrier(f.Path); barrier != "" {
		return fmt.Errorf("%s, who has to run the server here, may not enter %s: give a data folder elsewhere", as.name, barrier)
	}
	_, err := os.Stat(f.cluster())
	if errors.Is(err, os.ErrNotExist) {
		return f.initialise(programs, as, ephemeral)
	}
	if err != nil {
		return err
	}
	if err := f.checkVersion(programs.major); err != nil {
		return err
	}
	password, err := os.ReadFile(filepath.Join(f.Path, passwordName))
	if err != nil || len(strings.TrimSpace(string(password))) == 0 {
		return fmt.Errorf("data folder %s is broken: its file %s is missing or empty", f.Path, passwordName)
	}
	f.password = strings.TrimSpace(string(password))
	return nil
}

func (f *folder) checkVersion(major int) error {
	content, err := os.ReadFile(filepath.Join(f.cluster(), "PG_VERSION"))
	if err != nil {
		return fmt.Errorf("data folder %s is broken: %s holds no readable PG_VERSION; move it away to begin anew", f.Path, clusterName)
	}
	have, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return fmt.Errorf("data folder %s is broken: PG_VERSION is not a number; move it away to begin anew", f.Path)
	}
	if have != major {
		return fmt.Errorf("data folder %s is of PostgreSQL %d, and this is PostgreSQL %d", f.Path, have, major)
	}
	return nil
}

// initialise makes a new cluster. What an initialisation that was cut short left behind is removed first.
func (f *folder) initialise(programs binaries, as identity, ephemeral bool) error {
	half := filepath.Join(f.Path, halfName)
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	if err := os.Mkdir(half, 0o700); err != nil {
		return err
	}
	f.password = rand.Text()
	if err := writeDurably(filepath.Join(f.Path, passwordName), f.password+"\n"); err != nil {
		return err
	}
	// initdb reads the password as the server's user, who may not be the one that the file above belongs to.
	passwordFile := filepath.Join(half, passwordName)
	if err := os.WriteFile(passwordFile, []byte(f.password+"\n"), 0o600); err != nil {
		return err
	}
	if err := as.give(half, passwordFile); err != nil {
		return err
	}
	fresh := filepath.Join(half, clusterName)
	arguments := []string{
		"--pgdata=" + fresh,
		"--username=" + Superuser,
		"--pwfile=" + passwordFile,
		"--auth=scram-sha-256",
		"--encoding=UTF8",
		// The same order and the same letters on every machine and version.
		"--locale=C",
	}
	if ephemeral {
		arguments = append(arguments, "--no-sync")
	}
	err := child.Run(child.Command{
		Path: programs.path("initdb"), Args: arguments, Dir: half, Env: environment(), Attributes: as.attributes,
		DeathSignal: syscall.SIGKILL,
	})
	if err != nil {
		return fmt.Errorf("initialise data folder %s: %s", f.Path, oneLine(err))
	}
	if err := os.Rename(fresh, f.cluster()); err != nil {
		return err
	}
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	return syncFolder(f.Path)
}

// writeDurably replaces the file, whole or not at all, readable by its owner only.
func writeDurably(path, content string) error {
	file, err := os.OpenFile(path+newSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(path+newSuffix, path)
}

func syncFolder(path string) error {
	handle, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(handle.Sync(), handle.Close())
}
