package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
)

// writeJSON writes a report into a file, for programs.
func writeJSON(path string, report interface{ JSON(io.Writer) error }) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(report.JSON(file), file.Close())
}

// asJSON is taken by commands that tell something to people, or to programs.
type asJSON struct {
	JSON bool `help:"Write it as JSON." name:"json"`
}

// printJSON tells it to programs.
func printJSON(out io.Writer, it any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(it)
}
