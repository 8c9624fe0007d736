-- Where somebody lives stands in the register alone, so that of whoever becomes protected (支援措置) nothing is left.

-- A place in a mailing is a number once its file is cut ('!' and nine digits). Before that its key may hold
-- an address.
UPDATE coupon_issue SET apart = 1, sort_key = ''
WHERE apart = 0 AND (municipality, resident_no) IN (SELECT municipality, resident_no FROM resident WHERE protected = 1);
UPDATE coupon_issue SET sort_key = '' WHERE apart = 1;
DELETE FROM coupon_file WHERE (municipality, batch) IN (
    SELECT municipality, id FROM coupon_batch WHERE state = 'cutting');
UPDATE coupon_batch SET position = '', files = 0 WHERE state = 'cutting';
UPDATE coupon_file SET upto_key = (
    SELECT CAST(COUNT(DISTINCT i.sort_key) AS TEXT) FROM coupon_issue AS i
    WHERE i.municipality = coupon_file.municipality AND i.batch = coupon_file.batch AND i.batch IS NOT NULL
      AND i.apart = 0 AND i.sort_key <= coupon_file.upto_key);
UPDATE coupon_file SET upto_key = '!' || SUBSTR('000000000', 1, 9 - LENGTH(upto_key)) || upto_key;
UPDATE coupon_issue SET sort_key = k.place
FROM (SELECT i.municipality, i.number, i.turn, i.nth,
             CAST(DENSE_RANK() OVER (PARTITION BY i.municipality, i.batch ORDER BY i.sort_key) AS TEXT) AS place
      FROM coupon_issue AS i
      JOIN coupon_batch AS b ON b.municipality = i.municipality AND b.id = i.batch
      WHERE b.state = 'done' AND i.batch IS NOT NULL AND i.apart = 0) AS k
WHERE coupon_issue.municipality = k.municipality AND coupon_issue.number = k.number
  AND coupon_issue.turn = k.turn AND coupon_issue.nth = k.nth;
UPDATE coupon_issue SET sort_key = '!' || SUBSTR('000000000', 1, 9 - LENGTH(sort_key)) || sort_key
WHERE batch IS NOT NULL AND apart = 0 AND (municipality, batch) IN (
    SELECT municipality, id FROM coupon_batch WHERE state = 'done');

-- Where people lived whom an import changed: what undoing puts back, but of nobody who is protected by then.
CREATE TABLE import_address (
    municipality {text} NOT NULL,
    resident_no {text} NOT NULL,
    import {bytes} NOT NULL,
    address {text} NOT NULL,
    PRIMARY KEY (municipality, resident_no, import)
) {clustered};
INSERT INTO import_address (municipality, resident_no, import, address)
SELECT b.municipality, b.resident_no, b.import, MIN(b.address)
FROM (SELECT s.municipality, s.import, k.value->>'no' AS resident_no, k.value->'was'->>'address' AS address
      FROM import_stretch AS s
      JOIN import AS m ON m.municipality = s.municipality AND m.id = s.import AND m.kind = 'residents'
      CROSS JOIN json_each(CASE WHEN s.before = '' THEN '[]' ELSE s.before END) AS k) AS b
LEFT JOIN resident AS p ON p.municipality = b.municipality AND p.resident_no = b.resident_no
WHERE b.address IS NOT NULL AND COALESCE(p.protected, 0) = 0
GROUP BY b.municipality, b.resident_no, b.import;
