package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ErrNotRunning says that nothing answers at a suite's URL.
var ErrNotRunning = errors.New("no suite is running there")

const (
	findTimeout        = 5 * time.Second
	descriptionMaxSize = 1 << 20
)

// Find asks a running suite what it is; with no URL, the one at DefaultURL. The error is one line, and
// ErrNotRunning where nothing listens.
func Find(ctx context.Context, suiteURL string) (Description, error) {
	if suiteURL == "" {
		suiteURL = DefaultURL
	}
	if u, err := url.Parse(suiteURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Description{}, fmt.Errorf("suite URL %q is not of the form %s", suiteURL, DefaultURL)
	}
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(suiteURL, "/")+Path, nil)
	if err != nil {
		return Description{}, err
	}
	answer, err := http.DefaultClient.Do(request)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Description{}, fmt.Errorf("%s: %w: start one by `waybill up`, or name another by --suite", suiteURL, ErrNotRunning)
	case err != nil:
		return Description{}, fmt.Errorf("ask the suite: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return Description{}, fmt.Errorf("what listens at %s is no suite: it answers %s", suiteURL, answer.Status)
	}
	var d Description
	if err := json.NewDecoder(io.LimitReader(answer.Body, descriptionMaxSize)).Decode(&d); err != nil || d.Services == nil {
		return Description{}, fmt.Errorf("what listens at %s is no suite: %s is not a description of one", suiteURL, Path)
	}
	return d, nil
}
