package carrier

import "time"

// SlowAnswer is how long PostalCodeSlow takes to answer.
const SlowAnswer = 3 * time.Second

// The postal codes for which the carrier misbehaves. It serves every other one, in every country.
const (
	// PostalCodeSlow answers a booking in SlowAnswer; it is picked up and delivered only when told.
	PostalCodeSlow = "33333"
	// PostalCodeManual is picked up and delivered only when told: POST /v1/bookings/{id}/pick-up and /deliver.
	PostalCodeManual = "55555"
	// PostalCodeKept refuses every cancellation without having the parcel, cancellation_refused, until the
	// booking is allowed: POST /v1/bookings/{id}/allow. It is picked up and delivered only when told.
	PostalCodeKept = "44444"
	// PostalCodeFailsOnce answers the first request of each key with a 500 and does nothing; then all works.
	PostalCodeFailsOnce = "66666"
	// PostalCodeSilent loses its webhooks: they are never sent.
	PostalCodeSilent = "77777"
	// PostalCodeUnanswered does what is asked, and cuts the connection instead of answering the first request
	// of each key; the same request again is answered.
	PostalCodeUnanswered = "88888"
	// PostalCodeRefused refuses every booking: address_not_served.
	PostalCodeRefused = "99999"
)

// script returns the postal code when it means something, and nothing else: where people live does not belong
// in our books.
func script(postalCode string) string {
	switch postalCode {
	case PostalCodeSlow, PostalCodeManual, PostalCodeKept, PostalCodeFailsOnce, PostalCodeSilent, PostalCodeUnanswered,
		PostalCodeRefused:
		return postalCode
	default:
		return ""
	}
}

// waitsToBeTold says whether a parcel moves only when somebody says so.
func waitsToBeTold(script string) bool {
	return script == PostalCodeSlow || script == PostalCodeManual || script == PostalCodeKept
}
