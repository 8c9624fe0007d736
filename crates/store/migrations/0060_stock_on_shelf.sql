-- What stands on a venue's shelves: a venue has used up hundreds of lots, and whoever asks what is on hand reads those few
-- that are not.
CREATE INDEX stock_balance_on_shelf ON stock_balance (holder, product, lot, account, vials)
    WHERE vials <> 0 AND account IN ('frozen', 'thawed');
