-- Times are microseconds since 1970 UTC; ids are UUIDv7 text; documents are JSON text.
-- Sealed values are ciphertext of key_store; nothing here is a secret in clear.

CREATE TABLE server (            -- one row
    id              TEXT    NOT NULL PRIMARY KEY,
    created_at      INTEGER NOT NULL,
    -- Set by a restore; nothing runs until every host's journal was reconciled or given up.
    reconcile_since INTEGER
) STRICT;

-- Hosts ----------------------------------------------------------------

-- Roots that sign the certificates of agents and of the agent port.
CREATE TABLE authority (
    position        TEXT    NOT NULL PRIMARY KEY CHECK (position IN ('current', 'next')),
    certificate     BLOB    NOT NULL,          -- DER
    sealed_key      BLOB    NOT NULL,          -- PKCS#8
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE join_token (
    id              TEXT    NOT NULL PRIMARY KEY,
    secret_hash     BLOB    NOT NULL UNIQUE,   -- SHA-256 of the secret half
    host_group      TEXT    NOT NULL,
    uses_left       INTEGER NOT NULL,
    needs_approval  INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    created_by      TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    revoked_at      INTEGER
) STRICT;

CREATE TABLE host (
    id              TEXT    NOT NULL PRIMARY KEY,   -- the enrolment; a re-enrolled machine is a new host
    hostname        TEXT    NOT NULL,
    host_group      TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'enrolled', 'revoked')),
    facts           TEXT    NOT NULL,
    agent_version   TEXT    NOT NULL,
    join_token_id   TEXT    NOT NULL REFERENCES join_token (id),
    public_key      BLOB    NOT NULL,               -- SubjectPublicKeyInfo asked for
    -- Two serials are valid until the new one is seen in use.
    serial          TEXT,
    next_serial     TEXT,
    link_epoch      INTEGER NOT NULL DEFAULT 0,
    reconciled_at   INTEGER,
    enrolled_at     INTEGER NOT NULL,
    last_seen_at    INTEGER,
    revoked_at      INTEGER
) STRICT;

-- People, keys, what issuing means --------------------------------------

CREATE TABLE user (
    id              TEXT    NOT NULL PRIMARY KEY,
    user_name       TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    mail            TEXT    NOT NULL,
    given_name      TEXT    NOT NULL,
    sn              TEXT    NOT NULL,
    sam_account_name    TEXT,
    user_principal_name TEXT,
    display_name    TEXT    NOT NULL,
    source          TEXT    NOT NULL,               -- "file", later a directory connection
    webauthn_id     BLOB    NOT NULL UNIQUE,        -- user handle, 32 random bytes
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE connection (
    id              TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    kind            TEXT    NOT NULL,               -- "sta"
    settings        TEXT    NOT NULL,               -- public part
    sealed_secret   BLOB    NOT NULL,
    checked_at      INTEGER,
    check_error     TEXT,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE token_type (
    id              TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    definition      TEXT    NOT NULL,               -- lifecycle::TokenType
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE template (
    id              TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    connection_id   TEXT    NOT NULL REFERENCES connection (id),
    definition      TEXT    NOT NULL,               -- lifecycle::Template
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
    id              TEXT    NOT NULL PRIMARY KEY,
    -- Vendor id, product id and serial where the token has one: else NULL, and
    -- the token is known again by the credentials we issued.
    identity        TEXT    UNIQUE,
    serial          TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    aaguid          BLOB    NOT NULL,
    virtual         INTEGER NOT NULL,
    token_type_id   TEXT    REFERENCES token_type (id),
    state           TEXT    NOT NULL,               -- lifecycle::TokenState
    needs_reset     INTEGER NOT NULL DEFAULT 0,
    user_id         TEXT    REFERENCES user (id),
    template_id     TEXT    REFERENCES template (id),
    host_id         TEXT    REFERENCES host (id),   -- where it was seen last
    presence_id     TEXT,                           -- and from which plug-in to which unplug
    facts           TEXT    NOT NULL,
    last_seen_at    INTEGER,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX token_serial ON token (serial);

CREATE TABLE token_history (
    token_id        TEXT    NOT NULL REFERENCES token (id),
    seq             INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    event           TEXT    NOT NULL,
    from_state      TEXT    NOT NULL,
    to_state        TEXT    NOT NULL,
    operation_id    TEXT,
    PRIMARY KEY (token_id, seq)
) STRICT;

CREATE TABLE credential (
    id              TEXT    NOT NULL PRIMARY KEY,
    token_id        TEXT    NOT NULL REFERENCES token (id),
    user_id         TEXT    NOT NULL REFERENCES user (id),
    operation_id    TEXT    NOT NULL REFERENCES operation (id),
    connection_id   TEXT    NOT NULL REFERENCES connection (id),
    rp_id           TEXT    NOT NULL,
    credential_id   BLOB    NOT NULL UNIQUE,
    public_key      BLOB    NOT NULL,               -- COSE_Key
    aaguid          BLOB    NOT NULL,
    sign_count      INTEGER NOT NULL,
    attestation_object BLOB NOT NULL,
    client_data     BLOB    NOT NULL,
    origin          TEXT    NOT NULL,
    friendly_name   TEXT    NOT NULL,
    attestation     TEXT    NOT NULL,               -- format and trust found
    idp_user_id     TEXT,
    idp_authenticator_id TEXT,
    idp_state       TEXT,
    -- 'present', 'to-delete', 'deleted', 'unreachable' (only a reset removes it)
    on_token        TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX credential_token ON credential (token_id);

CREATE TABLE sealed_secret (
    id              TEXT    NOT NULL PRIMARY KEY,
    token_id        TEXT    NOT NULL REFERENCES token (id),
    -- 'pin': the token's; 'given-pin': the current one, as its user typed it.
    kind            TEXT    NOT NULL,
    -- 'pending': written before the token is asked to take it; 'current' after.
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'current')),
    sealed          BLOB    NOT NULL,
    operation_id    TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (token_id, kind, state)
) STRICT;

-- Operations -------------------------------------------------------------

CREATE TABLE operation (
    id              TEXT    NOT NULL PRIMARY KEY,
    kind            TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('running', 'waiting', 'succeeded', 'failed', 'cancelled', 'needs-attention', 'unknown')),
    token_id        TEXT    REFERENCES token (id),
    user_id         TEXT    REFERENCES user (id),
    host_id         TEXT    REFERENCES host (id),   -- the enrolment it is bound to
    parameters      TEXT    NOT NULL,               -- never a secret
    progress        TEXT    NOT NULL,               -- operation::Progress: cursor and results so far
    remark          TEXT    NOT NULL DEFAULT '',    -- why waiting, failed, unknown
    next_action     TEXT    NOT NULL DEFAULT '',
    requested_by    TEXT    NOT NULL,
    batch           TEXT,                           -- rows of one `issue --from FILE`
    created_at      INTEGER NOT NULL,
    not_before      INTEGER NOT NULL DEFAULT 0,
    deadline        INTEGER,                        -- none: waits for as long as it takes
    ended_at        INTEGER,
    version         INTEGER NOT NULL DEFAULT 1,     -- the fencing token
    cancelled_by    TEXT,                           -- who wants it to end; outside the fence
    lease_owner     TEXT,
    lease_until     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX operation_of_token ON operation (token_id);
CREATE INDEX operation_due ON operation (state, not_before, lease_until);
-- One operation at a time changes a token.
CREATE UNIQUE INDEX operation_token ON operation (token_id) WHERE ended_at IS NULL AND token_id IS NOT NULL AND kind <> 'delete-credentials';

CREATE TABLE step (
    operation_id    TEXT    NOT NULL REFERENCES operation (id),
    step            TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    target          TEXT    NOT NULL,               -- 'token', 'idp'
    state           TEXT    NOT NULL CHECK (state IN ('started', 'done', 'failed', 'unknown')),
    host_id         TEXT,
    result          TEXT    NOT NULL DEFAULT '',
    error           TEXT    NOT NULL DEFAULT '',
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    PRIMARY KEY (operation_id, step, attempt)
) STRICT;
CREATE INDEX step_unsettled ON step (host_id) WHERE state = 'started';

-- What must leave this server after the transaction that caused it:
-- outcomes that an agent may forget, now that they are stored here.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    host_id         TEXT    NOT NULL REFERENCES host (id),
    operation_id    TEXT    NOT NULL,
    step            TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_host ON outbox (host_id);

-- Audit -------------------------------------------------------------------

CREATE TABLE audit (
    seq             INTEGER NOT NULL PRIMARY KEY,
    at              INTEGER NOT NULL,
    actor           TEXT    NOT NULL,
    verb            TEXT    NOT NULL,
    object          TEXT    NOT NULL,
    operation_id    TEXT    NOT NULL DEFAULT '',
    outcome         TEXT    NOT NULL,
    facts           TEXT    NOT NULL,
    prev_hash       BLOB    NOT NULL,
    hash            BLOB    NOT NULL
) STRICT;
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TABLE audit_checkpoint (
    seq             INTEGER NOT NULL PRIMARY KEY,
    hash            BLOB    NOT NULL,
    signed_at       INTEGER NOT NULL,
    signature       BLOB    NOT NULL,
    public_key      BLOB    NOT NULL
) STRICT;

CREATE TABLE api_key (
    id              TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE COLLATE NOCASE,
    secret_hash     BLOB    NOT NULL UNIQUE,
    scopes          TEXT    NOT NULL,
    created_by      TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    last_used_at    INTEGER,
    revoked_at      INTEGER
) STRICT;
