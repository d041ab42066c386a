// Package datafolder gives a server the folder that its data is in, and no other process at the same time.
package datafolder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"waybill.dev/local/internal/filelock"
)

const lockName = "lock"

// Config says which folder.
type Config struct {
	// Path is the folder, which is created where it is missing. Empty means a temporary one, for ephemeral data only.
	Path string
	// Ephemeral data is removed when the folder is closed. It is refused where there is data already.
	Ephemeral bool
	// Server begins the name of a temporary folder.
	Server string
	// Entries are the names that the server uses within the folder. A folder that holds others is not the server's.
	Entries []string
}

// Folder is a folder that this process has locked.
type Folder struct {
	// Path is absolute.
	Path string

	lock   *filelock.Lock
	remove bool
}

// Open makes and locks the folder. It changes nothing in a folder that it refuses.
func Open(config Config) (*Folder, error) {
	path := config.Path
	if path == "" {
		if !config.Ephemeral {
			return nil, errors.New("no data folder given")
		}
		prefix := "waybill-" + config.Server + "-data-"
		sweep(prefix)
		temporary, err := os.MkdirTemp("", prefix)
		if err != nil {
			return nil, err
		}
		path = temporary
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	if err := checkContents(path, config); err != nil {
		return nil, err
	}
	lock, err := filelock.Try(filepath.Join(path, lockName))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("data folder %s is in use: %w", path, err)
	}
	if err != nil {
		return nil, err
	}
	return &Folder{Path: path, lock: lock, remove: config.Ephemeral}, nil
}

// checkContents refuses a folder with something in it that its owner would lose.
func checkContents(path string, config Config) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case name == lockName:
		case !slices.Contains(config.Entries, name):
			return fmt.Errorf("data folder %s holds %s, which is none of %s's: give a folder of its own", path, name, config.Server)
		case config.Ephemeral:
			return fmt.Errorf("data folder %s holds data already: an ephemeral server would remove it", path)
		}
	}
	return nil
}

// Close unlocks the folder, and removes it where its data is ephemeral.
func (f *Folder) Close() error {
	var err error
	if f.remove {
		err = os.RemoveAll(f.Path)
	}
	f.lock.Release()
	return err
}

// sweep removes the temporary folders of processes that were killed before they could. Only what is an hour old and
// locked by nobody goes: a folder just made may not be locked yet.
func sweep(prefix string) {
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, path := range folders {
		info, err := os.Stat(path)
		if err != nil || time.Since(info.ModTime()) < time.Hour {
			continue
		}
		lock, err := filelock.Try(filepath.Join(path, lockName))
		if err != nil {
			continue
		}
		_ = os.RemoveAll(path)
		lock.Release()
	}
}
