package processes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"waybill.dev/cmd/waybill/client"
)

// Process is one process of a suite, from one start to the next on the same address and data.
type Process struct {
	name    string
	path    string
	args    []string
	env     []string
	logFile string
	url     string
	ready   string // path that answers 200 when the process can do its work

	mu      sync.Mutex
	running *run // nil before the first start
}

// run is a process of the operating system.
type run struct {
	process *os.Process
	done    chan struct{}
}

// stopPatience is how long a process may take to end in order before it is killed. A service's own is about ten
// seconds.
const stopPatience = 20 * time.Second

// Name is the process's name within its suite: "orders", and "orders-2" for a second replica.
func (p *Process) Name() string { return p.name }

// URL is the base URL of what the process serves over HTTP.
func (p *Process) URL() string { return p.url }

// PID is the id of the process that runs now; 0 where none does.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.alive() {
		return 0
	}
	return p.running.process.Pid
}

// Done is closed when the process that was started last has ended, asked to or not.
func (p *Process) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		ended := make(chan struct{})
		close(ended)
		return ended
	}
	return p.running.done
}

// Start starts the process where it does not run, and waits until it is ready.
func (p *Process) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	return p.AwaitReady(ctx)
}

// Launch starts the process where it does not run, and waits for nothing.
func (p *Process) Launch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.alive() {
		return nil
	}
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	defer log.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	// A group of its own: a Ctrl-C at the terminal is for the parent, which stops its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	started, done := make(chan error), make(chan struct{})
	go func() {
		// The death signal is sent when the thread that started the child ends, not when the process does: so
		// this goroutine keeps its thread for as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	p.running = &run{process: cmd.Process, done: done}
	return nil
}

// AwaitReady waits until the process can take requests. It fails when the process ends before, with the last line
// that this wrote.
func (p *Process) AwaitReady(ctx context.Context) error { return p.await(ctx, p.checkReady) }

// AwaitWorking waits until the process can take requests, hears events and works its jobs.
func (p *Process) AwaitWorking(ctx context.Context) error { return p.await(ctx, p.checkWorking) }

func (p *Process) await(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.Done():
			cancel(fmt.Errorf("it has ended: %s", p.lastLine()))
		case <-ctx.Done():
		}
	}()
	if err := client.Await(ctx, check); err != nil {
		return fmt.Errorf("%s: not ready: %w", p.name, err)
	}
	return nil
}

func (p *Process) checkReady(ctx context.Context) error {
	_, err := p.ask(ctx)
	return err
}

func (p *Process) checkWorking(ctx context.Context) error {
	body, err := p.ask(ctx)
	if err != nil {
		return err
	}
	var readiness client.Readiness
	if err := json.Unmarshal(body, &readiness); err != nil {
		return err
	}
	return readiness.Working()
}

// ask is what the process says of its readiness; an error unless it is ready.
func (p *Process) ask(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+p.ready, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return body, err
}

// Stop ends the process in order (SIGTERM), and kills it where that takes too long.
func (p *Process) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.alive() {
		return nil
	}
	if err := errors.Join(p.signal(syscall.SIGTERM), p.signal(syscall.SIGCONT)); err != nil {
		return err
	}
	select {
	case <-p.running.done:
		return nil
	case <-time.After(stopPatience):
		return errors.Join(fmt.Errorf("%s did not end within %s and was killed", p.name, stopPatience), p.kill())
	}
}

// Kill ends the process at once (SIGKILL), as a crash would.
func (p *Process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.alive() {
		return nil
	}
	return p.kill()
}

func (p *Process) kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.running.done
	return nil
}

// Pause stops the process where it stands (SIGSTOP): its connections stay, and nobody answers on them.
func (p *Process) Pause() error { return p.signalAlive(syscall.SIGSTOP) }

// Resume lets a paused process go on (SIGCONT).
func (p *Process) Resume() error { return p.signalAlive(syscall.SIGCONT) }

func (p *Process) signalAlive(signal syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.alive() {
		return fmt.Errorf("%s does not run", p.name)
	}
	return p.signal(signal)
}

func (p *Process) signal(signal syscall.Signal) error {
	err := p.running.process.Signal(signal)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %s: %w", p.name, signal, err)
	}
	return nil
}

func (p *Process) alive() bool {
	if p.running == nil {
		return false
	}
	select {
	case <-p.running.done:
		return false
	default:
		return true
	}
}

// lastLine is what the process wrote last.
func (p *Process) lastLine() string {
	const tail = 4096
	file, err := os.Open(p.logFile)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tail {
		_, _ = file.Seek(-tail, io.SeekEnd)
	}
	text, _ := io.ReadAll(file)
	lines := slices.Collect(strings.SplitSeq(strings.TrimSpace(string(text)), "\n"))
	return cmp.Or(lines[len(lines)-1], "it wrote nothing")
}
