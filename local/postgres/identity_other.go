//go:build !linux

package postgres

// namespaced is empty: user namespaces are Linux's.
func namespaced() []identity { return nil }
