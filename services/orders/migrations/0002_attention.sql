-- +goose Up

-- What the reasons of an order's attention are, without their codes: "capture refused; cancellation is overdue". It is
-- made by PostgreSQL, so that it is right whichever version of the service writes the row; and it is bounded, so that
-- it fits into an index whatever another service has said.
ALTER TABLE orders ADD COLUMN attention_kinds text
    GENERATED ALWAYS AS (left(regexp_replace(attention, ': [^;]*', '', 'g'), 200)) STORED;

-- The orders that a person must look at, newest first; and how many of them there are, from the index alone.
CREATE INDEX orders_by_attention ON orders (tenant, placed_at DESC, id DESC) INCLUDE (attention_kinds) WHERE attention <> '';

-- The orders that are watched, the longest due first: those of all tenants from the index alone, and those of one in
-- this order too, as few are overdue at a time.
DROP INDEX orders_by_due;
CREATE INDEX orders_by_due ON orders (due_at, tenant, id) INCLUDE (next_step) WHERE due_at IS NOT NULL;

-- +goose Down
DROP INDEX orders_by_due;
CREATE INDEX orders_by_due ON orders (due_at) WHERE due_at IS NOT NULL;
DROP INDEX orders_by_attention;
ALTER TABLE orders DROP COLUMN attention_kinds;
