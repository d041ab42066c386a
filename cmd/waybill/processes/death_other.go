//go:build !linux

package processes

import "syscall"

// Only Linux tells a child of its parent's death.
func dieWithParent(*syscall.SysProcAttr) {}
