-- Vials that one venue gave to another (融通): what each of the two says. Either may speak first; while they differ it is
-- on both work lists.
CREATE TABLE stock_transfer (
    id {bytes} NOT NULL PRIMARY KEY,
    from_venue {bytes} NOT NULL,
    to_venue {bytes} NOT NULL,
    product {text} NOT NULL,
    lot {text} NOT NULL,
    shelf {text} NOT NULL,
    -- When the vials left the freezer: their clock goes with them. 0 if it is not told.
    began_micros BIGINT NOT NULL,
    sent BIGINT,
    sent_note {text} NOT NULL,
    taken BIGINT,
    taken_note {text} NOT NULL,
    at_micros BIGINT NOT NULL
) {clustered};
CREATE INDEX stock_transfer_open_from ON stock_transfer (from_venue, id)
    WHERE sent IS NULL OR taken IS NULL OR sent <> taken;
CREATE INDEX stock_transfer_open_to ON stock_transfer (to_venue, id)
    WHERE sent IS NULL OR taken IS NULL OR sent <> taken;
CREATE INDEX stock_transfer_of_lot ON stock_transfer (product, lot, to_venue);
