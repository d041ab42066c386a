package mail

// Class is what the state of an order's mails comes to where a new fact meets it: the states of a class are treated
// alike. It tells how much of the policy a test has seen.
type Class string

const (
	// ClassUnknown: nothing was heard of the order.
	ClassUnknown Class = "unknown"
	// ClassHeld: mails are owed, and the address is not known.
	ClassHeld Class = "held"
	// ClassSending: a mail is being sent.
	ClassSending Class = "sending"
	// ClassSettled: every mail that is owed was sent or refused.
	ClassSettled Class = "settled"
)

// Classes lists every class.
func Classes() []Class { return []Class{ClassUnknown, ClassHeld, ClassSending, ClassSettled} }

// Class says which class the state is of.
func (m Mails) Class() Class {
	class := ClassUnknown
	for _, mail := range m.Mails {
		switch mail.Status {
		case Held:
			return ClassHeld
		case Sending:
			return ClassSending
		case Delivered, Failed:
			class = ClassSettled
		}
	}
	return class
}
