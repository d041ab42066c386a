-- The event log of one service, in the service's own schema (which the search_path names). The owner of the schema
-- runs this; the service's role may read and insert, and changes only what is not history.

-- +goose Up

-- Every stream that has a fact.
CREATE TABLE streams (
    stream     text PRIMARY KEY,          -- tenant/category/id
    tenant     text NOT NULL,
    category   text NOT NULL,
    id         text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX streams_by_category ON streams (category, tenant, id);

-- The facts. (transaction_id, position) is the global position: a reader that stays below
-- pg_snapshot_xmin(pg_current_snapshot()) never skips a fact that commits later.
CREATE TABLE events (
    transaction_id xid8        NOT NULL DEFAULT pg_current_xact_id(),
    position       bigint      GENERATED ALWAYS AS IDENTITY,
    stream         text        NOT NULL,
    version        bigint      NOT NULL CHECK (version > 0),
    id             uuid        NOT NULL,
    kind           text        NOT NULL,
    data           json        NOT NULL,
    at             timestamptz NOT NULL,
    correlation_id text        NOT NULL,
    causation_id   text        NOT NULL,
    trace_parent   text        NOT NULL,
    PRIMARY KEY (transaction_id, position),
    UNIQUE (stream, version)
);

-- A stream's state at a version, so that a hot stream need not be folded from its beginning.
CREATE TABLE snapshots (
    stream   text   PRIMARY KEY,
    version  bigint NOT NULL,
    revision int    NOT NULL,              -- of the fold that made it
    state    json   NOT NULL
);

-- The messages that have been handled. They are kept: Kafka may hand out a topic from its beginning again.
CREATE TABLE inbox (
    message_id text        PRIMARY KEY,
    handled_at timestamptz NOT NULL DEFAULT now()
);

-- The outbox, in Watermill's SQL schema: a row a message, and how far each reader has come.
CREATE TABLE watermill_outbox (
    "offset"       bigserial,
    uuid           varchar(36) NOT NULL,
    created_at     timestamp   NOT NULL DEFAULT current_timestamp,
    payload        json        DEFAULT NULL,
    metadata       json        DEFAULT NULL,
    transaction_id xid8        NOT NULL,
    PRIMARY KEY (transaction_id, "offset")
);
CREATE TABLE watermill_offsets_outbox (
    consumer_group                varchar(255) NOT NULL PRIMARY KEY,
    offset_acked                  bigint,
    last_processed_transaction_id xid8 NOT NULL
);

-- What committed commands answered, for callers that ask again under the same key.
CREATE TABLE idempotency_keys (
    tenant      text        NOT NULL,
    method      text        NOT NULL,
    path        text        NOT NULL,
    key         text        NOT NULL,
    body_sha256 bytea       NOT NULL,
    status      int         NOT NULL,
    headers     json        NOT NULL,
    body        bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, method, path, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Messages that could not be read or handled, whole, with the error.
CREATE TABLE parked_messages (
    id         uuid        PRIMARY KEY,
    topic      text        NOT NULL,       -- or where else it came from: "carrier-webhooks"
    partition  int,
    "offset"   bigint,
    key        bytea,
    headers    json        NOT NULL,       -- name → base64 of the value, as a header may hold any bytes
    value      bytea,
    tenant     text        NOT NULL,       -- empty where the message does not tell
    subject    text        NOT NULL,
    message_id text        NOT NULL,
    event_type text        NOT NULL,
    error      text        NOT NULL,
    parked_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (topic, partition, "offset")
);
-- A tenant's list, page by page, the newest first.
CREATE INDEX parked_messages_of_tenant ON parked_messages (tenant, parked_at DESC, id DESC);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of table % is refused: history is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd

-- TRUNCATE fires no row trigger, and an UPDATE of no rows is refused as well: statement triggers see both.
CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER streams_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON streams
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER inbox_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inbox
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE parked_messages, idempotency_keys, watermill_offsets_outbox, watermill_outbox, inbox, snapshots, events, streams;
DROP FUNCTION refuse_change();
