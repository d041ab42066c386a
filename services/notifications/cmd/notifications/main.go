// Command notifications tells customers by mail how their orders go.
package main

import (
	"waybill.dev/platform/server"
	"waybill.dev/services/notifications"
)

func main() {
	server.Main("notifications", notifications.Doc, notifications.Defaults(), notifications.New)
}
