package up

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed tenants.yaml
var tenants []byte

// writeTenants puts the tenants file of a suite that was given none into its data folder, for people to see and to
// change: one that is there is left as it is.
func writeTenants(folder string) (string, error) {
	path := filepath.Join(folder, "tenants.yaml")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return path, nil
	}
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	_, err = file.Write(tenants)
	if err := errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return path, nil
}
