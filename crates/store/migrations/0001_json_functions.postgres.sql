-- SQLite's spelling for "the elements of this JSON array as rows" and "these hexadecimal digits as bytes",
-- so that one text of SQL serves both engines.
CREATE OR REPLACE FUNCTION json_each(list TEXT) RETURNS TABLE (key BIGINT, value JSONB)
LANGUAGE sql IMMUTABLE ROWS 100 AS $$
    SELECT ordinality - 1, element
    FROM jsonb_array_elements(list::jsonb) WITH ORDINALITY AS elements (element, ordinality)
$$;

CREATE OR REPLACE FUNCTION unhex(digits TEXT) RETURNS BYTEA
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT decode(digits, 'hex') $$;
