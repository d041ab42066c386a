package up

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed tenants.yaml
var tenants []byte

// writeTenants puts the tenants file of a suite that was given none into its data folder, for people to see.
func writeTenants(folder string) (string, error) {
	path := filepath.Join(folder, "tenants.yaml")
	if err := os.WriteFile(path, tenants, 0o644); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return path, nil
}
