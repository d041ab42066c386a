package kafka

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"waybill.dev/local/internal/child"
)

// formatHeapMB is enough to write two small files.
const formatHeapMB = 64

// format makes the log folder of a new broker; one that is there is left alone. What a formatting that was cut short
// left behind is removed first.
func format(r runtime, folder string) error {
	whole, half := filepath.Join(folder, logName), filepath.Join(folder, formattingName)
	if _, err := os.Stat(whole); !errors.Is(err, os.ErrNotExist) {
		return checkWhole(folder, err)
	}
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	if err := os.Mkdir(half, 0o700); err != nil {
		return err
	}
	properties := filepath.Join(folder, propertiesName)
	// The ports do not matter here: nobody listens.
	if err := os.WriteFile(properties, brokerProperties(half, 1, 1, 2), 0o600); err != nil {
		return err
	}
	var cluster [16]byte
	_, _ = rand.Read(cluster[:])
	// A cluster's id is a UUID in Kafka's spelling, which must not begin with a dash.
	cluster[0] &= 0x7f
	err := child.Run(child.Command{
		Path: r.java,
		Args: r.arguments(formatHeapMB, "kafka.tools.StorageTool", "format",
			"-t", base64.RawURLEncoding.EncodeToString(cluster[:]), "-c", properties),
		Dir:         folder,
		Env:         environment(),
		DeathSignal: syscall.SIGKILL,
	})
	if err != nil {
		return fmt.Errorf("format data folder %s: %w", folder, err)
	}
	return os.Rename(half, whole)
}

func checkWhole(folder string, err error) error {
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, logName, "meta.properties")); err != nil {
		return fmt.Errorf("data folder %s is broken: %s holds no readable meta.properties; move it away to begin anew", folder, logName)
	}
	return nil
}
