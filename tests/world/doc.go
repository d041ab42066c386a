// Package world writes whole histories of orders as a suite would have left them: facts, streams, inboxes and read
// models in the five schemas, messages on Kafka, entries in the provider's and the carrier's books. It is what an
// auditor is measured and tested on, a hundred thousand orders at a time.
//
// Nothing of a history is made up. One order of each way is really decided, by the services' own policies and with the
// real simulators, in memory; its rows are then written again and again with other ids and times.
package world
