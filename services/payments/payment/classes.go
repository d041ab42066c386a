package payment

// Class is what a payment's state comes to where a new fact meets it: the states of a class are treated alike. It tells
// how much of the policy a test has seen.
type Class string

const (
	// ClassUnknown: nothing was ever heard.
	ClassUnknown Class = "unknown"
	// ClassEarly: something was heard of it, and not the order itself.
	ClassEarly       Class = "early"
	ClassAuthorizing Class = "authorizing"
	ClassHeld        Class = "held"
	ClassCapturing   Class = "capturing"
	ClassCaptured    Class = "captured"
	ClassVoiding     Class = "voiding"
	ClassRefunding   Class = "refunding"
	// ClassAttention: a person must look.
	ClassAttention Class = "attention"
	// ClassTombstone: it was voided before anything was held.
	ClassTombstone Class = "tombstone"
	ClassVoided    Class = "voided"
	ClassRefunded  Class = "refunded"
	ClassFailed    Class = "failed"
	// ClassResolved: settled by hand, and nothing is asked of the provider.
	ClassResolved Class = "resolved"
)

// Classes lists every class.
func Classes() []Class {
	return []Class{
		ClassUnknown, ClassEarly, ClassAuthorizing, ClassHeld, ClassCapturing, ClassCaptured, ClassVoiding, ClassRefunding,
		ClassAttention, ClassTombstone, ClassVoided, ClassRefunded, ClassFailed, ClassResolved,
	}
}

// Class says which class the state is of.
func (p Payment) Class() Class {
	if a, ok := p.Pending(); ok {
		return a.Operation.class()
	}
	_, attention := p.Attention()
	switch {
	case !p.Known():
		return ClassUnknown
	case p.FailedWith != "":
		return ClassFailed
	case p.Refunded:
		return ClassRefunded
	case p.Voided && !p.Authorized:
		return ClassTombstone
	case p.Voided:
		return ClassVoided
	case p.Resolved:
		return ClassResolved
	case attention:
		return ClassAttention
	case p.Captured:
		return ClassCaptured
	case p.Authorized:
		return ClassHeld
	}
	return ClassEarly
}

// class is that of a payment whose outcome of the operation is not known.
func (op Operation) class() Class {
	switch op {
	case Capture:
		return ClassCapturing
	case Void:
		return ClassVoiding
	case Refund:
		return ClassRefunding
	default:
		return ClassAuthorizing
	}
}
