package mailbox

import "strings"

// The local parts of recipients for which the mailbox misbehaves, in any domain.
const (
	// RecipientRefused is refused for good when it is named: 550.
	RecipientRefused = "refused"
	// RecipientFailsOnce refuses the first try of each message with a 451, then takes it.
	RecipientFailsOnce = "fails-once"
	// RecipientUnanswered takes the message, and cuts the connection instead of answering its first try; the
	// second try makes a second copy, and is answered.
	RecipientUnanswered = "unanswered"
)

func localPart(address string) string {
	local, _, _ := strings.Cut(address, "@")
	return strings.ToLower(local)
}

func anyIs(recipients []string, local string) bool {
	for _, recipient := range recipients {
		if localPart(recipient) == local {
			return true
		}
	}
	return false
}
