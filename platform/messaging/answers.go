package messaging

import (
	"errors"

	"waybill.dev/platform/failure"
)

var (
	// ErrDuplicate is what a handler answers for a message that had been handled before. It counts as handled; only
	// the metrics tell it apart.
	ErrDuplicate = failure.As(failure.Permanent, errors.New("the message had been handled"))
	// ErrHeld is what a handler answers for a message of whose tenant and subject messages are parked: it is parked
	// behind them. Whether there are any is asked in the transaction that handles it: see eventlog.Request.Subject.
	ErrHeld = failure.As(failure.Permanent, errors.New("it waits for parked messages of the same subject"))
)
