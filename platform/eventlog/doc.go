// Package eventlog is the event store on PostgreSQL: it runs commands.
//
// A command names streams and decides, purely, what is to be added to them. The log alone locks, loads, claims
// the message in the inbox, appends, writes the outbox, the durable jobs, the inline projections and the
// snapshots, and commits; and it puts the commands that wait at the same moment into one shared commit.
//
// # Order of publication
//
// The outbox and the log are read in the order of transaction ids. PostgreSQL hands out a transaction's id at
// its first write, and a row lock is a write. Were a stream's lock taken after that, a transaction with a
// lower id could append the later version. So a transaction's first statements take advisory locks, which
// need no id, and only then load and write.
package eventlog
