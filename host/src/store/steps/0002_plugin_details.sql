-- What plugins keep through HostServices. The key of the table is what the value is sealed to.
CREATE TABLE plugin_details (
    plugin TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    owner_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value_encrypted BYTEA NOT NULL,
    updated_at_us BIGINT NOT NULL,
    PRIMARY KEY (plugin, owner_kind, owner_uuid, key)
);
