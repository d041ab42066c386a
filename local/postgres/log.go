package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// logLine hands a line of the server's log on, at the level that fits what it is about.
func logLine(logger *slog.Logger, line string) {
	severity, message, found := strings.Cut(line, ":  ")
	if !found {
		severity, message = "LOG", line
	}
	level := slog.LevelDebug
	switch severity {
	case "WARNING", "ERROR":
		level = slog.LevelWarn
	case "FATAL":
		// A connection refused while the server starts or stops is FATAL too: to the connection, not to us.
		level = slog.LevelInfo
	case "PANIC":
		level = slog.LevelError
	}
	logger.Log(context.Background(), level, "postgres: "+message)
}

var errPortTaken = errors.New("is taken")

// startFailure makes one line of what the server said before it gave up.
func startFailure(lines []string, port int) error {
	said := "it said nothing"
	for _, line := range lines {
		severity, message, _ := strings.Cut(line, ":  ")
		switch {
		case strings.Contains(line, "could not bind"), strings.Contains(line, "Address already in use"):
			return fmt.Errorf("port %d %w", port, errPortTaken)
		case severity == "FATAL" || severity == "PANIC":
			said = message
		case said == "it said nothing":
			said = line
		}
	}
	return fmt.Errorf("the server did not start: %s", said)
}
