// Package verify is the auditor: it reads the five schemas, Kafka's topics, and the provider's and the carrier's books,
// and holds every order and every shelf against the statements of package audit.
//
// It reads each source once, in whatever order it comes, and writes what belongs to an order into one of many temporary
// files, by a hash of the order. Then it takes file after file into memory and judges the orders in it: so its memory
// does not grow with their number.
//
// It may look at a suite that runs. What is read was not written at one moment, so these are noted in this order: how
// far each service has read Kafka and where its topics end; a mark in each database; a snapshot of each; where the
// topics end now. Then what stood below the first ends was due by the snapshots, what the snapshots have sent stands
// below the second, and a fact behind its mark is news: its order is in flight.
package verify
