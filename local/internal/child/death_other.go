//go:build !linux

package child

import "syscall"

// Only Linux tells a child of its parent's death. Elsewhere a server that was left running is found and
// stopped at the next start.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
