-- Parked messages have an order, an end and a history, and those of one tenant and subject wait for each other.

-- +goose Up

ALTER TABLE parked_messages
    ADD COLUMN position   bigint      GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN state      text        NOT NULL DEFAULT 'parked' CHECK (state IN ('parked', 'redriven', 'discarded')),
    ADD COLUMN origin     text        NOT NULL DEFAULT 'kafka' CHECK (origin IN ('kafka', 'outbox', 'outside')),
    -- It holds up what comes after it of the same tenant and subject, and waits itself for what is before it.
    ADD COLUMN ordered    boolean     NOT NULL DEFAULT false,
    -- It has not failed: it only waits for what is before it.
    ADD COLUMN waiting    boolean     NOT NULL DEFAULT false,
    ADD COLUMN class      text        NOT NULL DEFAULT 'permanent',  -- of the failure
    ADD COLUMN tries      int         NOT NULL DEFAULT 0,
    ADD COLUMN stack      text        NOT NULL DEFAULT '',           -- of a panic
    ADD COLUMN redrive_at timestamptz;                               -- when a redrive was asked for; null once it is done

-- What had been parked before has been overtaken by what came after it: it holds up nothing.
UPDATE parked_messages SET origin = CASE
    WHEN topic LIKE 'carrier-%' THEN 'outside'
    WHEN partition IS NULL AND error LIKE 'not published: %' THEN 'outbox'
    ELSE 'kafka' END;

CREATE INDEX parked_messages_queue ON parked_messages (tenant, subject, position) WHERE state = 'parked' AND ordered;
CREATE INDEX parked_messages_open ON parked_messages (position) WHERE state = 'parked';

-- What was done about a parked message, by whom and why.
CREATE TABLE parked_actions (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message uuid        NOT NULL REFERENCES parked_messages,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    by      text        NOT NULL,
    action  text        NOT NULL CHECK (action IN ('redrive', 'redriven', 'failed', 'discarded')),
    reason  text        NOT NULL,
    logged  boolean     NOT NULL DEFAULT false  -- the service has written a line about it
);
CREATE INDEX parked_actions_of_message ON parked_actions (message, id);
CREATE INDEX parked_actions_unlogged ON parked_actions (id) WHERE NOT logged;

CREATE TRIGGER parked_messages_are_kept BEFORE DELETE OR TRUNCATE ON parked_messages
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER parked_actions_are_kept BEFORE DELETE OR TRUNCATE OR UPDATE OF id, message, at, by, action, reason ON parked_actions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE parked_actions;
DROP TRIGGER parked_messages_are_kept ON parked_messages;
ALTER TABLE parked_messages DROP COLUMN position, DROP COLUMN state, DROP COLUMN origin, DROP COLUMN ordered, DROP COLUMN waiting,
    DROP COLUMN class, DROP COLUMN tries, DROP COLUMN stack, DROP COLUMN redrive_at;
