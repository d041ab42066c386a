package kafka

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"waybill.dev/local/internal/cache"
)

// archiveName is the file with the classes as the Java machine keeps them in memory. Starting from it takes half the
// processor time.
const archiveName = "classes.jsa"

// archiveClasses returns the archive for these jars and this Java, which it makes once: by running a broker that serves
// nobody, since an archive holds what a run has used. It is empty where this Java writes none.
func archiveClasses(ctx context.Context, r runtime, base, version string) (string, error) {
	key, err := javaKey(r.java)
	if err != nil {
		return "", err
	}
	folder, err := cache.Install(ctx, base, "kafka-"+version+"-classes-"+key, func(ctx context.Context, folder string) error {
		return rehearse(ctx, r.with("-XX:ArchiveClassesAtExit="+filepath.Join(folder, archiveName)))
	})
	if err != nil {
		return "", fmt.Errorf("try Kafka out: %w", err)
	}
	archive := filepath.Join(folder, archiveName)
	_, err = os.Stat(archive)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return archive, err
}

// rehearse runs a broker to its orderly end.
func rehearse(ctx context.Context, r runtime) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	folder, err := os.MkdirTemp("", "waybill-kafka-rehearsal-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	// Formatting is a program of its own, which has nothing to add to the archive.
	if err := format(r.with(), folder); err != nil {
		return err
	}
	port, controller, err := pickPorts(0)
	if err != nil {
		return err
	}
	config := Config{HeapMB: defaultHeapMB, Logger: slog.New(slog.DiscardHandler)}
	process, err := run(ctx, r, config, folder, port, controller)
	if err != nil {
		return err
	}
	return process.Stop(syscall.SIGTERM, startPatience)
}

// javaKey tells one installation of Java from another: archived classes fit the one that archived them.
func javaKey(java string) (string, error) {
	path, err := filepath.EvalSymlinks(java)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", path, info.Size(), info.ModTime().UnixNano()))
	return fmt.Sprintf("%x", sum[:6]), nil
}
