-- The sums of what was moved before they were kept.
INSERT INTO supply_at_venue
    (venue, product, municipality, told_micros, shipped, received, taken, sent, in_transfer, on_hand, opened, used,
     wasted_unused, wasted_expired, wasted_temperature, wasted_opened_none, lost, difference)
SELECT m.holder, m.product, COALESCE(o.municipality, ''),
       MAX(CASE WHEN m.organisation = m.holder AND m.by_user IN (SELECT id FROM account) THEN m.at_micros ELSE 0 END),
       SUM(CASE WHEN m.account = 'delivery' AND m.kind = 'shipped' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account IN ('frozen', 'thawed') AND m.kind = 'received' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account IN ('frozen', 'thawed') AND m.kind = 'taken' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account IN ('frozen', 'thawed') AND m.kind = 'sent' THEN -m.vials ELSE 0 END),
       SUM(CASE WHEN m.account = 'transfer' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account IN ('frozen', 'thawed') THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account = 'opened' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account = 'used' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account = 'discarded_unused' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account = 'discarded_expired' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account = 'discarded_temperature' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account = 'discarded_opened_none' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account = 'lost' THEN m.vials ELSE 0 END),
       SUM(CASE WHEN m.account = 'difference' THEN m.vials ELSE 0 END)
FROM (SELECT to_holder AS holder, product, kind, to_account AS account, vials, at_micros, by_user, organisation
      FROM stock_movement
      UNION ALL
      SELECT from_holder, product, kind, from_account, -vials, at_micros, by_user, organisation FROM stock_movement) AS m
LEFT JOIN organisation AS o ON o.id = m.holder
WHERE m.account <> 'supply'
GROUP BY m.holder, m.product, COALESCE(o.municipality, '');

UPDATE supply_at_venue SET told_micros = (SELECT MAX(c.at_micros) FROM closing AS c WHERE c.venue = supply_at_venue.venue)
WHERE EXISTS (SELECT 1 FROM closing AS c
              WHERE c.venue = supply_at_venue.venue AND c.at_micros > supply_at_venue.told_micros);

INSERT INTO supply_at_city
    (product, municipality, shipped, received, taken, sent, in_transfer, on_hand, opened, used, wasted_unused,
     wasted_expired, wasted_temperature, wasted_opened_none, lost, difference)
SELECT product, municipality, SUM(shipped), SUM(received), SUM(taken), SUM(sent), SUM(in_transfer), SUM(on_hand),
       SUM(opened), SUM(used), SUM(wasted_unused), SUM(wasted_expired), SUM(wasted_temperature),
       SUM(wasted_opened_none), SUM(lost), SUM(difference)
FROM supply_at_venue GROUP BY product, municipality;

INSERT INTO supply_of_lot (product, lot, municipality, on_hand)
SELECT b.product, b.lot, COALESCE(o.municipality, ''), SUM(b.vials)
FROM stock_balance AS b LEFT JOIN organisation AS o ON o.id = b.holder
WHERE b.account IN ('frozen', 'thawed')
GROUP BY b.product, b.lot, COALESCE(o.municipality, '');

-- 17:00 in Japan is 08:00 UTC, 16 hours before the next day; 1970-01-01 was a Thursday.
INSERT INTO supply_counted (counted_on, product, municipality, wasted, on_hand)
SELECT CASE (m.day + 3) % 7 WHEN 5 THEN m.day + 2 WHEN 6 THEN m.day + 1 ELSE m.day END, m.product, m.municipality,
       SUM(CASE WHEN m.account IN ('frozen', 'thawed') THEN 0 ELSE m.vials END),
       SUM(CASE WHEN m.account IN ('frozen', 'thawed') THEN m.vials ELSE 0 END)
FROM (SELECT (u.at_micros + 57600000000) / 86400000000 AS day, u.product, u.account, u.vials,
             COALESCE(o.municipality, '') AS municipality
      FROM (SELECT to_holder AS holder, product, to_account AS account, vials, at_micros FROM stock_movement
            UNION ALL
            SELECT from_holder, product, from_account, -vials, at_micros FROM stock_movement) AS u
      LEFT JOIN organisation AS o ON o.id = u.holder
      WHERE u.account IN ('frozen', 'thawed', 'discarded_unused', 'discarded_expired', 'discarded_temperature',
                          'discarded_opened_none')) AS m
GROUP BY 1, m.product, m.municipality;

-- The doses are taken again from the ledgers, as `sesshu stock rebuild` does it: nothing that was booked is forgotten.
UPDATE stock_use SET doses_primary = 0, doses_booster = 0, unsettled = 1;
DELETE FROM lot_dose;
DELETE FROM progress WHERE projection = 'stock';
