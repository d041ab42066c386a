-- The parked messages that are open are listed over all tenants, page by page, the newest first: the table keeps those
-- that have ended for ever.

-- +goose Up
CREATE INDEX parked_messages_open_by_age ON parked_messages (parked_at DESC, id DESC) WHERE state = 'parked';
DROP INDEX parked_messages_open;

-- +goose Down
CREATE INDEX parked_messages_open ON parked_messages (position) WHERE state = 'parked';
DROP INDEX parked_messages_open_by_age;
