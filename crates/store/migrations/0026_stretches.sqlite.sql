-- Former addresses have a table of their own by now.
UPDATE import_stretch SET before = (
    SELECT json_group_array(json(json_remove(k.value, '$.was.address'))) FROM json_each(import_stretch.before) AS k)
WHERE before <> '' AND (municipality, import) IN (SELECT municipality, id FROM import WHERE kind = 'residents');
