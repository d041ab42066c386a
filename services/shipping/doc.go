// Package shipping brings an order's parcel on its way, and answers every cancellation, because only shipping
// knows whether the parcel has gone.
//
// It owns the shipment of each order. It hears order-placed (the address and the lines), stock-reserved (the
// parcel may be packed), order-cancellation-requested and order-resolved. It says order-shipped, shipping-failed,
// shipment-cancelled, cancellation-refused, shipment-attention-required and shipment-delivered.
//
// The carrier is asked by durable jobs; it tells of the pick-up and the delivery by webhook, and a poll finds
// what a lost webhook did not say.
package shipping
