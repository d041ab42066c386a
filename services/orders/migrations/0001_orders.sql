-- +goose Up

-- Every order, as its facts fold to: written in the commit of the facts. Ids are ordered byte by byte, so that pages
-- are the same under every locale. A row changes with each step of the order: room for that is left in each page.
CREATE TABLE orders (
    tenant         text             NOT NULL,
    id             text COLLATE "C" NOT NULL,
    customer_id    text             NOT NULL,
    status         text             NOT NULL,
    attention      text             NOT NULL, -- empty where nobody need look
    total_amount   bigint           NOT NULL,
    total_currency text             NOT NULL,
    placed_at      timestamptz      NOT NULL,
    updated_at     timestamptz      NOT NULL,
    next_step      text,                      -- what the order waits for, and until when; null where nothing is
    due_at         timestamptz,               -- awaited that has a time
    PRIMARY KEY (tenant, id),
    CHECK ((next_step IS NULL) = (due_at IS NULL))
) WITH (fillfactor = 50);

-- The list, and each of its filters: newest first.
CREATE INDEX orders_by_age ON orders (tenant, placed_at DESC, id DESC);
CREATE INDEX orders_by_status ON orders (tenant, status, placed_at DESC, id DESC);
CREATE INDEX orders_by_customer ON orders (tenant, customer_id, placed_at DESC, id DESC);

-- The orders that are watched, over all tenants.
CREATE INDEX orders_by_due ON orders (due_at) WHERE due_at IS NOT NULL;

-- +goose Down
DROP TABLE orders;
