// Package inventory owns what stands on the shelves and what is reserved of it for orders.
//
// It hears order-placed (the lines), payment-authorized, order-shipped, shipment-cancelled, shipping-failed and
// order-resolved, and says stock-reserved, stock-reservation-failed and stock-released. Over HTTP goods come in and
// counts are corrected.
//
// The rules are in package stock. Here are its seams: the routes (http.go), the translation of its facts into
// integration events (publish.go), the table of stock levels (levels.go), and the table of contents (service.go).
package inventory
