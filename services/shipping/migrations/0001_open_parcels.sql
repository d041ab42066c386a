-- +goose Up

-- The parcels of which the carrier still has something to tell: booked, or picked up and not delivered. Written in the
-- commit of the facts; the poll moves next_poll_at on.
CREATE TABLE open_parcels (
    tenant       text        NOT NULL,
    order_id     text        NOT NULL,
    booking_id   text        NOT NULL,  -- the carrier's name of it
    next_poll_at timestamptz NOT NULL,
    polls        int         NOT NULL,  -- since the last fact: each further pause is longer
    PRIMARY KEY (tenant, order_id)
);
CREATE INDEX open_parcels_by_next_poll ON open_parcels (next_poll_at);

-- +goose Down
DROP TABLE open_parcels;
