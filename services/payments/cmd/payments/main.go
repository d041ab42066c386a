// Command payments holds, takes and gives back the money of orders.
package main

import (
	"waybill.dev/platform/server"
	"waybill.dev/services/payments"
)

func main() { server.Main("payments", payments.Doc, payments.Defaults(), payments.New) }
