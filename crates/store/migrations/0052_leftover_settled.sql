-- A dose left over at the closing and given after it came out of no other vial: the closed days are settled again. Where
-- the vials come out as before, nothing is booked.
UPDATE stock_use SET unsettled = 1
WHERE EXISTS (SELECT 1 FROM closing AS c WHERE c.venue = stock_use.venue AND c.day = stock_use.day);
