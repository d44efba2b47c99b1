-- Everything the host knows of: zones, pools, volumes, snapshots. What can be searched by is a
-- column; the record itself is JSON in body, or sealed in body_encrypted where it may hold secrets.
CREATE TABLE records (
    kind TEXT NOT NULL,
    uuid TEXT NOT NULL,
    id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    owner_uuid TEXT,
    zone_uuid TEXT,
    body TEXT,
    body_encrypted BYTEA,
    created_at_us BIGINT NOT NULL,
    updated_at_us BIGINT NOT NULL,
    removed_at_us BIGINT,
    PRIMARY KEY (kind, uuid)
);
CREATE UNIQUE INDEX records_id ON records (kind, id);
-- Removed records stay: a list must not walk over all of them.
CREATE INDEX records_present ON records (kind, id) WHERE removed_at_us IS NULL;
CREATE INDEX records_owner ON records (kind, owner_uuid, id) WHERE removed_at_us IS NULL;
CREATE INDEX records_name ON records (kind, name, id) WHERE removed_at_us IS NULL;

-- The last internal number of each kind: a number is never used twice.
CREATE TABLE record_ids (
    kind TEXT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);

-- Names that one holder at a time has: objects in operation, back ends, client tokens.
CREATE TABLE claims (
    name TEXT NOT NULL PRIMARY KEY,
    holder_uuid TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    since_us BIGINT NOT NULL
);
CREATE INDEX claims_holder ON claims (holder_uuid);

-- What may be promised on a store, and the sum of what is.
CREATE TABLE capacities (
    store_uuid TEXT NOT NULL PRIMARY KEY,
    limit_bytes BIGINT,
    reserved_bytes BIGINT NOT NULL
);
CREATE TABLE reservations (
    store_uuid TEXT NOT NULL,
    owner_uuid TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (store_uuid, owner_uuid)
);

-- Sagas: the journal of everything that is done, and the async jobs that clients poll.
CREATE TABLE operations (
    uuid TEXT NOT NULL PRIMARY KEY,
    flow TEXT NOT NULL,
    flow_version BIGINT NOT NULL,
    state TEXT NOT NULL,
    position BIGINT NOT NULL,
    phase TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    failure TEXT,
    waiting_for TEXT,
    cancel_requested BOOLEAN NOT NULL,
    caller TEXT NOT NULL,
    command TEXT NOT NULL,
    object_kind TEXT,
    object_uuid TEXT,
    journal TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    updated_at_us BIGINT NOT NULL
);
CREATE INDEX operations_unfinished ON operations (created_at_us)
    WHERE phase IN ('running', 'undoing');
CREATE INDEX operations_object ON operations (object_uuid, created_at_us);
CREATE INDEX operations_created ON operations (created_at_us);

-- What happened, numbered without a gap.
CREATE TABLE events (
    number BIGINT NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    level TEXT NOT NULL,
    event_type TEXT NOT NULL,
    object_kind TEXT,
    object_uuid TEXT,
    account TEXT NOT NULL,
    operation_uuid TEXT,
    description TEXT NOT NULL
);
CREATE INDEX events_object ON events (object_uuid, number);
