// Package filelock keeps two processes from using one folder at once. The kernel holds the lock for the
// process that took it and lets go when this ends, kill -9 included: no lock is ever left behind.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// ErrHeld says that another process, or another part of this one, holds the lock.
var ErrHeld = errors.New("held by another process")

// Lock is a lock that is held.
type Lock struct{ file *os.File }

// Try takes the lock kept in the file at path, which it creates, or fails with ErrHeld at once.
func Try(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w (pid %s)", ErrHeld, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The pid is for people who read the error above; the lock does not depend on it.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return &Lock{file: file}, nil
}

// Wait takes the lock as soon as it is free, or fails when ctx ends before.
func Wait(ctx context.Context, path string) (*Lock, error) {
	for {
		lock, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", path, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Release lets the lock go. The file stays: removing it would let two processes lock two files of one name.
func (l *Lock) Release() {
	// Unlocking says more than closing: a child forked at this very moment may still hold a copy of the descriptor.
	_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	_ = l.file.Close()
}
