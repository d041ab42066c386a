//go:build !linux

package postgres

import "syscall"

// runningOn is the process of the pid file, while it lives.
func runningOn(_ string, recorded int) []int {
	if recorded == 0 || syscall.Kill(recorded, 0) != nil {
		return nil
	}
	return []int{recorded}
}
