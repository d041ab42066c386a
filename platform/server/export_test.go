package server

import "context"

// StopRiver has River stop, as a rest does, and waits for it no longer than the context lasts.
func StopRiver(ctx context.Context, app *App) error { return app.jobs.client.Stop(ctx) }
