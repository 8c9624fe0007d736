-- Ends a statement that changed another number of rows than it must, and takes back all it did: what was looked at
-- before has changed meanwhile, and the caller tries again.
CREATE FUNCTION insist(changed BIGINT, expected BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
    IF changed <> expected THEN
        RAISE EXCEPTION 'changed % rows where it must be %', changed, expected USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN changed;
END
$$;
