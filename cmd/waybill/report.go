package main

import (
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
