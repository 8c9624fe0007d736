-- How often the lock of a chain was taken. Whoever looked without the lock sees by it whether anybody
-- came between: not every change of the people makes an entry.
ALTER TABLE chain ADD COLUMN taken BIGINT NOT NULL DEFAULT 0;
