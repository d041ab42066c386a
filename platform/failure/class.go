// Package failure says of an error what is to be done about it. Whoever has to choose between trying again, giving up
// and calling a person asks here, and nowhere else.
package failure

import (
	"errors"

	"waybill.dev/platform/es"
	"waybill.dev/platform/pgerr"
)

// Class is what sort of failure an error is.
type Class string

const (
	// Transient: the same may succeed later. PostgreSQL or a partner is away, slow or contended.
	Transient Class = "transient"
	// Permanent: the same never succeeds. It cannot be read, or a rule says no.
	Permanent Class = "permanent"
	// Bug is all else: a panic, and any error that nobody has foreseen. It may be gone with the next try, and the one
	// after that only with the next version.
	Bug Class = "bug"
)

// Of is the class of an error.
func Of(err error) Class {
	var marked *markedError
	var panicked *Panic
	var refusal *es.Refusal
	switch {
	case errors.As(err, &panicked):
		return Bug
	case errors.As(err, &marked):
		return marked.class
	case errors.As(err, &refusal):
		return Permanent
	case pgerr.Unavailable(err), pgerr.Contended(err):
		return Transient
	}
	return Bug
}

// markedError is an error whose class is known where it is made.
type markedError struct {
	class Class
	error
}

func (e *markedError) Unwrap() error { return e.error }

// As marks an error as one of a class. Errors that wrap it are of the same class.
func As(class Class, err error) error { return &markedError{class, err} }
