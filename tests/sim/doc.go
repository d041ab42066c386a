// Package sim simulates the saga: five services, Kafka between them, the payment provider, the carrier, customers,
// operators, warehouses and the clock, in one process and from one seed.
//
// What decides is what decides in production: the services' React, Publish and verbs, run by es.Decide and es.Apply. The
// simulation replaces what surrounds them. Everything happens at a simulated time (agenda.go), and whatever may go this
// way or that is chosen from a tape (tape.go): how long each thing takes, which message is read again, which answer is
// lost, which worker is taken for dead and answers all the same, when a service crashes and comes back with what it had
// stored, who changes their mind. Behind a number of steps faults stop; when nothing moves any more, the eight statements
// of cmd/waybill/audit must hold.
//
//	kafka.go      topics, and a service that reads them: in order within a topic and an order, and no further
//	service.go    a service: its log, and what it forgets in a crash
//	jobs.go       workers; asking.go: what they ask
//	provider.go, carrier.go   the outside, by the rules of simulators/
//	opening.go, people.go     orders, customers, operators, warehouses
//	committed.go  what follows a commit: jobs, rows, deadlines
//	judgement.go  what must hold in the end
//
// A run that fails is shown as the simplest like it: the tape is made shorter and its choices lower for as long as it
// fails (shrink.go), and what it goes round in is told once (history.go). Choice 0 is always the most harmless.
//
// What the policies have met is counted (coverage.go), by the classes that each pure package names for its state, and held
// against a table of the impossible. That the simulation would notice a mistake is a test of its own: mutants_test.go.
//
// Not simulated are PostgreSQL, the relay, the consumer and HTTP: tests/saga and the platform's tests run the real ones.
// A message that is due counts as said with the commit that makes it due, and the read models are folded by code of the
// simulation's own: so of statement 6 what it shows is that everything is heard and has its effect once, and of statement 7
// that no fact is left out of a row. That what is due is said, in order, and that the services' own projections agree, is
// for cmd/waybill/verify, tests/saga and tests/chaos to show.
// Of the read models the table of orders, the open parcels and the levels of stock are kept as their services fold them.
package sim
