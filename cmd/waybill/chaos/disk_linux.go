package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// insideVariable marks the program that runs in a mount namespace of its own.
const insideVariable = "WAYBILL_CHAOS_NAMESPACE"

// InNamespace runs this program, with its arguments, once more in a mount namespace of its own, and returns its exit
// status. The disk that is filled there is seen by nobody else, and is gone with the last of its processes. ok is false
// where this is that program already, or the system forbids it: then the run goes on in this process.
//
// Cancelling the context asks the program to end, and it ends with this process, however that one ends.
func InNamespace(ctx context.Context) (status int, ok bool, err error) {
	if os.Getenv(insideVariable) != "" {
		return 0, false, nil
	}
	self, err := os.Executable()
	if err != nil {
		return 0, false, err
	}
	cmd := exec.CommandContext(ctx, self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Minute // servers are stopped in order
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Geteuid(); uid != 0 {
		// Only root mounts: within a user namespace of its own everybody is.
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	runtime.LockOSThread() // the death signal is sent when this thread ends
	defer runtime.UnlockOSThread()
	if cmd.Start() != nil {
		return 0, false, nil
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) || ctx.Err() != nil {
		return max(cmd.ProcessState.ExitCode(), 1), true, nil
	}
	return 0, true, err
}

// disk is a small one that only this program and its children see.
type disk struct{ folder string }

// newDisk mounts a disk of the size in bytes on the folder. The error says why that cannot be.
func newDisk(folder string, size int64) (*disk, error) {
	if os.Getenv(insideVariable) == "" {
		return nil, errors.New("a mount namespace is forbidden here")
	}
	// What is mounted below would be seen outside where mounts are shared.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d,mode=711", size)); err != nil {
		return nil, fmt.Errorf("mount: %w", err)
	}
	return &disk{folder}, nil
}

func (d *disk) ballast() string { return filepath.Join(d.folder, "ballast") }

// fill writes a file until there is no space left.
func (d *disk) fill() error {
	file, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for piece := make([]byte, 1<<20); ; {
		_, err := file.Write(piece)
		if errors.Is(err, syscall.ENOSPC) && len(piece) > 1 {
			piece = piece[:len(piece)/2]
			continue
		}
		if errors.Is(err, syscall.ENOSPC) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// free gives the space back.
func (d *disk) free() error { return os.Remove(d.ballast()) }

// leave gives the disk up, with all that is on it.
func (d *disk) leave() error { return syscall.Unmount(d.folder, syscall.MNT_DETACH) }
