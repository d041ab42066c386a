// Package child runs a server as a child process that does not outlive its parent.
package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Command says what to run.
type Command struct {
	Path string
	Args []string
	// Dir is the working folder of the child.
	Dir string
	// Env is its whole environment; nil means that of this process.
	Env []string
	// Attributes are starting conditions such as another user. Those of this package are added to them.
	Attributes syscall.SysProcAttr
	// DeathSignal is what the kernel sends to the child when this process ends, however it ends (Linux only).
	DeathSignal syscall.Signal
	// Line gets each line that the child writes to its standard output and error. It may be nil.
	Line func(string)
}

// Process is a child that was started.
type Process struct {
	process *os.Process
	output  *lineWriter
	done    chan struct{}
	err     error
}

// Start starts the command. The child gets a process group of its own: a Ctrl-C at the terminal is for the
// parent, which stops its children in the right order.
func Start(command Command) (*Process, error) {
	output := &lineWriter{line: command.Line}
	cmd := exec.Command(command.Path, command.Args...)
	cmd.Dir, cmd.Env = command.Dir, command.Env
	cmd.Stdout, cmd.Stderr = output, output
	// A grandchild that lives on keeps the output open; it does not keep Wait from returning.
	cmd.WaitDelay = 2 * time.Second
	attributes := command.Attributes
	attributes.Setpgid = true
	dieWithParent(&attributes, command.DeathSignal)
	cmd.SysProcAttr = &attributes

	p := &Process{output: output, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The death signal is sent when the thread that started the child ends, not when the process does:
		// so this goroutine keeps its thread for as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.process = cmd.Process
		}
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		output.flush()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Run runs the command to its end. A failure carries the last of what it wrote.
func Run(command Command) error {
	p, err := Start(command)
	if err != nil {
		return err
	}
	<-p.Done()
	if p.err != nil {
		return fmt.Errorf("%w: %s", p.err, p.Said())
	}
	return nil
}

// Pid is the child's process id.
func (p *Process) Pid() int { return p.process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends the signal; a child that has ended is no error.
func (p *Process) Signal(signal syscall.Signal) error {
	err := p.process.Signal(signal)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Pause stops the child where it is (SIGSTOP), until it is sent SIGCONT, and returns when it stands. A child that has ended
// is no error.
func (p *Process) Pause() error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return awaitStopped(p.Pid(), p.done)
}

// Stop asks the child to end with the given signal, kills it when it has not ended within patience, and
// returns when it is gone.
func (p *Process) Stop(signal syscall.Signal, patience time.Duration) error {
	if err := p.Signal(signal); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// Said is what the child wrote last, at most twenty lines, joined to one.
func (p *Process) Said() string { return strings.Join(p.Lines(), "; ") }

// Lines is what the child wrote last, at most twenty lines.
func (p *Process) Lines() []string { return p.output.last() }

const linesKept = 20

// lineWriter cuts a stream into lines, hands them on, and remembers the last of them.
type lineWriter struct {
	line func(string)

	mutex   sync.Mutex
	partial []byte
	kept    []string
}

var _ io.Writer = (*lineWriter)(nil)

func (w *lineWriter) Write(data []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.partial = append(w.partial, data...)
	for {
		line, rest, found := strings.Cut(string(w.partial), "\n")
		if !found {
			return len(data), nil
		}
		w.partial = []byte(rest)
		w.take(line)
	}
}

func (w *lineWriter) flush() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.take(string(w.partial))
	w.partial = nil
}

func (w *lineWriter) take(line string) {
	line = strings.TrimSpace(line)
	if line == "" {
		return
	}
	if w.line != nil {
		w.line(line)
	}
	w.kept = append(w.kept, line)
	if len(w.kept) > linesKept {
		w.kept = w.kept[1:]
	}
}

func (w *lineWriter) last() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return append([]string(nil), w.kept...)
}
