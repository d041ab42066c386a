// Package payments is the service that holds, takes and gives back the money of orders.
//
// It owns one stream an order, "payment": what was asked of the payment provider under which key, and what came
// of it. It hears order-placed, order-shipped, stock-released, stock-reservation-failed and order-resolved, and
// says payment-authorized, payment-failed, payment-captured, payment-voided, payment-refunded and
// payment-attention-required.
package payments
