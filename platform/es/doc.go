// Package es is the vocabulary of pure decisions: facts, streams, folds and commands.
//
// A service's rules are plain functions over these values. They ask for no time, draw no number, and hold no
// connection; a command is data that says which streams it is about and a function from their states to new
// facts. Who runs it (the event log on PostgreSQL, a test in memory, a simulation) owns everything else.
package es
