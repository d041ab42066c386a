// Package cache keeps what was fetched from a package registry, so that a second start needs no network.
package cache

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"waybill.dev/local/internal/filelock"
)

// UserFolder is the folder of the current user where Waybill keeps what it fetched.
func UserFolder() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w", err)
	}
	return filepath.Join(base, "waybill"), nil
}

// Install returns the folder called name in base. Where it is missing, build fills it first. Any number of
// processes may ask at the same time: one builds, the others wait, and a build that was cut short is begun anew.
func Install(ctx context.Context, base, name string, build func(ctx context.Context, folder string) error) (string, error) {
	folder := filepath.Join(base, name)
	if exists(folder) {
		return folder, nil
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", err
	}
	lock, err := filelock.Wait(ctx, folder+".lock")
	if err != nil {
		return "", err
	}
	defer lock.Release()
	if exists(folder) {
		return folder, nil
	}
	partial := folder + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", err
	}
	if err := os.Mkdir(partial, 0o755); err != nil {
		return "", err
	}
	if err := build(ctx, partial); err != nil {
		_ = os.RemoveAll(partial)
		return "", err
	}
	if err := os.Rename(partial, folder); err != nil {
		return "", err
	}
	return folder, nil
}

func exists(folder string) bool {
	_, err := os.Stat(folder)
	return err == nil
}
