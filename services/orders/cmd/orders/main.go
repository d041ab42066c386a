// Command orders takes orders and knows how they stand.
package main

import (
	"waybill.dev/platform/server"
	"waybill.dev/services/orders"
)

func main() { server.Main("orders", orders.Doc, orders.Defaults(), orders.New) }
