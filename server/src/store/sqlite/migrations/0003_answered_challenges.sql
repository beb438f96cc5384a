-- Every challenge of a card that was answered, not the last alone: never twice.
CREATE TABLE answered_challenge (
    token_id        TEXT    NOT NULL REFERENCES card (token_id) ON DELETE CASCADE,
    hash            BLOB    NOT NULL,               -- SHA-256
    answered_at     INTEGER NOT NULL,
    PRIMARY KEY (token_id, hash)
) STRICT, WITHOUT ROWID;
INSERT INTO answered_challenge SELECT token_id, answered, created_at FROM card WHERE answered IS NOT NULL;
ALTER TABLE card DROP COLUMN answered;
