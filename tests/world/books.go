package world

import (
	"errors"
	"os"
	"path/filepath"

	"waybill.dev/cmd/waybill/suite"
)

// books are the journals that the simulators read at their start.
type books struct {
	files map[string]*os.File
}

func openBooks(folder string) (*books, error) {
	b := &books{files: map[string]*os.File{}}
	for simulator, name := range map[string]string{suite.Provider: providerJournal, suite.Carrier: carrierJournal} {
		if err := os.MkdirAll(filepath.Join(folder, simulator), 0o700); err != nil {
			return nil, errors.Join(err, b.close())
		}
		file, err := os.Create(filepath.Join(folder, simulator, name))
		if err != nil {
			return nil, errors.Join(err, b.close())
		}
		b.files[simulator] = file
	}
	return b, nil
}

func (b *books) write(lines map[string][]byte) error {
	for simulator, text := range lines {
		if _, err := b.files[simulator].Write(text); err != nil {
			return err
		}
	}
	return nil
}

func (b *books) close() (err error) {
	for _, file := range b.files {
		err = errors.Join(err, file.Close())
	}
	return err
}
