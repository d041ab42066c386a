// Package notifications tells the customer how the order goes, by mail.
//
// It owns the mails of each order. It hears whatever a customer would want to know, writes a mail for it, and
// holds that mail until order-placed has brought the address. It says nothing: nobody waits for a mail.
package notifications
