package child

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// awaitStopped waits until all threads of a child stand that was sent SIGSTOP, or until it has ended: a signal is only
// on its way when it has been sent, and a thread that runs meanwhile still answers.
func awaitStopped(pid int, done <-chan struct{}) error {
	for {
		var info unix.Siginfo
		// The news is left where it is: whoever waits for the child's end is not concerned.
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil)
		switch {
		case errors.Is(err, unix.ECHILD), err == nil && info.Signo != 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return err
		}
		select {
		case <-done:
			return nil
		case <-time.After(time.Millisecond):
		}
	}
}
