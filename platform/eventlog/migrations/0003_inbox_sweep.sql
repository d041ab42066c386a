-- The inbox keeps what was handled for a time, and remembers until when it was swept.

-- +goose Up

-- The functions below find the schema's own tables, and none that somebody has made for a session.
SELECT set_config('search_path', current_schema() || ', pg_temp', true);

-- Whoever sweeps finds the oldest. handled_at is never earlier than the message's own time.
CREATE INDEX inbox_by_age ON inbox (handled_at);

-- Of a topic's messages whose time is before "until" the inbox may no longer know whether they were handled. A topic that
-- is not here was never heard when the inbox was swept.
CREATE TABLE inbox_swept (
    topic    text        PRIMARY KEY,
    until    timestamptz NOT NULL,
    -- Until the topic has been swept, a sweep that does not name it leaves it alone where it was noted later than what is swept.
    noted_at timestamptz NOT NULL DEFAULT now()
);

-- +goose StatementBegin
CREATE FUNCTION refuse_to_move_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.until < OLD.until THEN
        RAISE EXCEPTION 'the inbox was swept until %, and cannot have been swept until % only', OLD.until, NEW.until
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION refuse_unswept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM gone WHERE handled_at >= coalesce(
        (SELECT min(until) FROM inbox_swept WHERE until > '-infinity' OR noted_at <= handled_at), '-infinity')) THEN
        RAISE EXCEPTION 'DELETE of table inbox is refused: it has not been swept until there'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER inbox_swept_moves_forward BEFORE UPDATE ON inbox_swept FOR EACH ROW EXECUTE FUNCTION refuse_to_move_back();
CREATE TRIGGER inbox_swept_stays BEFORE DELETE OR TRUNCATE ON inbox_swept FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DROP TRIGGER inbox_is_append_only ON inbox;
CREATE TRIGGER inbox_is_append_only BEFORE UPDATE OR TRUNCATE ON inbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER inbox_is_swept_by_age AFTER DELETE ON inbox REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unswept();

-- Forgets messages that were handled before a time, a number of them at most, and says how many. Topics are those that
-- are heard now. It is the only way for the service's role to delete of the inbox: it works with the rights of the
-- schema's owner.
-- +goose StatementBegin
CREATE FUNCTION sweep_inbox(before timestamptz, topics text[], at_most int) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    swept bigint;
BEGIN
    IF before > now() THEN
        RAISE EXCEPTION 'the inbox cannot be swept until %, which is to come', before USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO inbox_swept SELECT unnest(topics), before ON CONFLICT DO NOTHING;
    -- Also those that are no longer heard. One that the caller does not know may be new, and heard by a later version: its
    -- old messages are still to be handled.
    UPDATE inbox_swept SET until = before WHERE until < before AND (topic = ANY (topics) OR noted_at < before OR until > '-infinity');
    -- An array, so that no plan reads the whole table to delete a part of it.
    DELETE FROM inbox WHERE message_id = ANY (ARRAY(
        SELECT message_id FROM inbox WHERE handled_at < before ORDER BY handled_at LIMIT at_most));
    GET DIAGNOSTICS swept = ROW_COUNT;
    RETURN swept;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION sweep_inbox FROM PUBLIC;

-- +goose Down
DROP FUNCTION sweep_inbox;
DROP TRIGGER inbox_is_swept_by_age ON inbox;
DROP TRIGGER inbox_is_append_only ON inbox;
CREATE TRIGGER inbox_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inbox
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DROP TABLE inbox_swept;
DROP FUNCTION refuse_unswept, refuse_to_move_back;
DROP INDEX inbox_by_age;
