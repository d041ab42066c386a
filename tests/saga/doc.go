// Package saga tests orders on their whole way: the services and the simulators as processes of their own, built with
// the race detector, on Apache Kafka and PostgreSQL. Whatever happens on the way, the money, the stock, the parcels and
// the mails must agree in the end.
package saga
