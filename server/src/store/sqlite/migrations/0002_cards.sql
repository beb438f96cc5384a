-- Smart cards: their keys, their certificates.

-- A template may publish nothing: one for cards alone has no identity provider.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE template_before (id TEXT, name TEXT, connection_id TEXT, definition TEXT, created_at INTEGER) STRICT;
INSERT INTO template_before SELECT id, name, connection_id, definition, created_at FROM template;
DROP TABLE template;
CREATE TABLE template (
    id              TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    connection_id   TEXT    REFERENCES connection (id),
    definition      TEXT    NOT NULL,               -- lifecycle::Template
    created_at      INTEGER NOT NULL
) STRICT;
INSERT INTO template SELECT id, name, connection_id, definition, created_at FROM template_before;
DROP TABLE template_before;

-- Admin key, PIN and PUK as cards of the type come from the factory.
ALTER TABLE token_type ADD COLUMN sealed_factory BLOB;

-- Admin keys of cards are derived from these; a card names the generation it has.
CREATE TABLE card_master_key (
    generation      INTEGER NOT NULL PRIMARY KEY,
    -- 'sealed': under the master key; 'pkcs11': in a token, under `label`.
    custody         TEXT    NOT NULL CHECK (custody IN ('sealed', 'pkcs11')),
    sealed          BLOB,
    label           TEXT    NOT NULL DEFAULT '',
    comment         TEXT    NOT NULL,
    created_by      TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE card (
    token_id        TEXT    NOT NULL PRIMARY KEY REFERENCES token (id),
    applet          TEXT    NOT NULL,
    -- Admin keys are derived from it; it stays as long as the row.
    card_id         BLOB    NOT NULL,
    -- What the card gave as its own id when it was seen last: GUID or cardid.
    shown_id        BLOB    NOT NULL,
    -- NULL: the admin key of the factory.
    admin_generation    INTEGER REFERENCES card_master_key (generation),
    admin_cipher    TEXT,
    -- Written before the card is asked to take it.
    pending_generation  INTEGER REFERENCES card_master_key (generation),
    pending_cipher  TEXT,
    -- The PUK was told to somebody, and is to be changed when the card is seen.
    puk_spent       INTEGER NOT NULL DEFAULT 0,
    -- SHA-256 of the challenge that was answered last: never twice.
    answered        BLOB,
    containers      TEXT    NOT NULL,               -- what is in them, as JSON
    inspected_at    INTEGER,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX card_shown_id ON card (shown_id);

CREATE TABLE certificate (
    id              TEXT    NOT NULL PRIMARY KEY,
    token_id        TEXT    NOT NULL REFERENCES token (id),
    user_id         TEXT    NOT NULL REFERENCES user (id),
    operation_id    TEXT    NOT NULL REFERENCES operation (id),
    connection_id   TEXT    NOT NULL REFERENCES connection (id),
    container       TEXT    NOT NULL,
    profile         TEXT    NOT NULL,
    algorithm       TEXT    NOT NULL,
    is_default      INTEGER NOT NULL,
    public_key      BLOB    NOT NULL,               -- SubjectPublicKeyInfo
    attestation     TEXT    NOT NULL,               -- what the card said of the key
    request         BLOB    NOT NULL,               -- CertificationRequestInfo, then PKCS#10
    -- 'key-made' 'requested' 'pending' 'valid' 'held' 'revoked' 'rejected'
    state           TEXT    NOT NULL,
    enrolment       TEXT    NOT NULL DEFAULT '',    -- the authority's name of a request that waits
    serial          TEXT    NOT NULL DEFAULT '',    -- hexadecimal
    issuer          TEXT    NOT NULL DEFAULT '',
    subject         TEXT    NOT NULL DEFAULT '',
    not_before      INTEGER,
    not_after       INTEGER,
    der             BLOB    NOT NULL,
    -- Why it is to be revoked; empty: it is not.
    revocation      TEXT    NOT NULL DEFAULT '',
    -- 'key' 'present' 'to-delete' 'deleted' 'unreachable' 'replaced'
    on_card         TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX certificate_token ON certificate (token_id);
CREATE INDEX certificate_serial ON certificate (serial);

-- What waits for an authority has no need of the token.
DROP INDEX operation_token;
CREATE UNIQUE INDEX operation_token ON operation (token_id) WHERE ended_at IS NULL AND token_id IS NOT NULL AND kind NOT IN ('delete-credentials', 'revoke-certificates');

-- What the certification authority inside this server has issued.
CREATE TABLE issued_certificate (
    connection_id   TEXT    NOT NULL REFERENCES connection (id),
    request_id      TEXT    NOT NULL,
    serial          TEXT    NOT NULL,
    certificate     BLOB    NOT NULL,
    not_after       INTEGER NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('good', 'held', 'revoked')),
    since           INTEGER,
    reason          TEXT    NOT NULL,
    PRIMARY KEY (connection_id, request_id),
    UNIQUE (connection_id, serial)
) STRICT;

CREATE TABLE crl_number (
    connection_id   TEXT    NOT NULL PRIMARY KEY REFERENCES connection (id),
    number          INTEGER NOT NULL
) STRICT;
