// Command world writes a world of orders by hand, to measure on: into an empty database, Kafka, and a folder of books.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"waybill.dev/tests/world"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o world.Options
	flag.StringVar(&o.AdminURL, "postgres", "", "URL of an empty database, as the administrator")
	kafka := flag.String("kafka", "", "brokers, host:port, separated by commas")
	flag.StringVar(&o.Prefix, "prefix", "", "stands before the names of topics and groups")
	flag.StringVar(&o.Books, "books", "", "folder that the simulators' books are written to")
	flag.IntVar(&o.Orders, "orders", 100_000, "how many orders")
	flag.Parse()
	o.Brokers = strings.Split(*kafka, ",")
	began := time.Now()
	if _, err := world.Write(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	took := time.Since(began)
	fmt.Printf("%d orders in %s, %.0f a second\n", o.Orders, took.Round(time.Second), float64(o.Orders)/took.Seconds())
}
