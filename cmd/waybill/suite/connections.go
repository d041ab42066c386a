package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Connections are how an operator reaches a suite's databases. They hold passwords: they are kept in the suite's
// data folder, for its owner alone, and are no part of its Description.
type Connections struct {
	// Services are the services' own logins by their names.
	Services map[string]string `json:"services"`
	// Postgres logs in as the administrator.
	Postgres string `json:"postgres"`
}

const connectionsFile = "connections.json"

// SaveConnections writes the connections into the data folder.
func SaveConnections(dataFolder string, c Connections) error {
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(dataFolder, connectionsFile)
	// Written beside and renamed, so that nobody reads half of it.
	if err := os.WriteFile(name+".new", append(content, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// LoadConnections reads what a suite has left in its data folder.
func LoadConnections(dataFolder string) (Connections, error) {
	name := filepath.Join(dataFolder, connectionsFile)
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Connections{}, fmt.Errorf("no suite has kept its data in %s", dataFolder)
	}
	if err != nil {
		return Connections{}, err
	}
	var c Connections
	if err := json.Unmarshal(content, &c); err != nil {
		return Connections{}, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return c, nil
}
