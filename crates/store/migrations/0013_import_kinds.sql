-- What a file is of: people of the register, or records typed from paper.
ALTER TABLE import ADD COLUMN kind {text} NOT NULL DEFAULT 'residents';
