//go:build !linux

package chaos

import (
	"context"
	"errors"
)

// InNamespace says that only Linux has mount namespaces.
func InNamespace(context.Context) (status int, ok bool, err error) { return 0, false, nil }

type disk struct{}

func newDisk(string, int64) (*disk, error) {
	return nil, errors.New("only Linux has mount namespaces")
}

func (*disk) fill() error  { return errors.ErrUnsupported }
func (*disk) free() error  { return errors.ErrUnsupported }
func (*disk) leave() error { return errors.ErrUnsupported }
