// Command inventory runs the inventory service, configured by its environment: inventory --help.
package main

import (
	"waybill.dev/platform/server"
	"waybill.dev/services/inventory"
)

func main() {
	server.Main("inventory", inventory.Doc, inventory.Defaults(), inventory.New)
}
