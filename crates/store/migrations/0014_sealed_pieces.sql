-- Whether a piece of a file that waits is under seal: files of residents carry Individual Numbers.
ALTER TABLE import_piece ADD COLUMN sealed BIGINT NOT NULL DEFAULT 0;
