// Command shipping brings the parcels of orders on their way, and answers cancellations.
package main

import (
	"waybill.dev/platform/server"
	"waybill.dev/services/shipping"
)

func main() { server.Main("shipping", shipping.Doc, shipping.Defaults(), shipping.New) }
