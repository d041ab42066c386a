// Package mailbox is a simulated mailbox for everybody: a real SMTP server that takes any mail, keeps it whole
// on disk, and shows it over HTTP.
//
// It keeps every copy it is given, so that whoever looks can tell how often something was sent; copies are known
// by their Message-ID. The local part of a recipient says how the mailbox misbehaves: see the constants.
package mailbox
