-- All that a venue gave to others, for its book (様式7-2); the open ones have an index of their own.
CREATE INDEX stock_transfer_given ON stock_transfer (from_venue, at_micros);
