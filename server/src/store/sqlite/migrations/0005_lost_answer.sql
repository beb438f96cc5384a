-- When a request for it left whose outcome nobody told. The authority may have issued one
-- that is not known here: it is asked once more when the operation has ended.
ALTER TABLE certificate ADD COLUMN lost_at INTEGER;
