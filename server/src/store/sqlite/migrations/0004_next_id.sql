-- The id that a card is about to get. It is known by either until it was read back.
ALTER TABLE card ADD COLUMN next_id BLOB NOT NULL DEFAULT x'';
CREATE INDEX card_next_id ON card (next_id);
