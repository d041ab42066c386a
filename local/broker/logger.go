package broker

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// logger hands kfake's log on.
type logger struct{ to *slog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, arguments ...any) {
	severity := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		severity = slog.LevelError
	case kfake.LogLevelWarn:
		severity = slog.LevelWarn
	}
	if l.to.Enabled(context.Background(), severity) {
		l.to.Log(context.Background(), severity, "broker: "+fmt.Sprintf(format, arguments...))
	}
}
