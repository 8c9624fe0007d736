-- What makers say they can ship (ワクチン供給量): units of a lot from a day on. A row is what is said from
-- then on; the last one holds.
CREATE TABLE supply (
    product {text} NOT NULL,
    lot {text} NOT NULL,
    -- From this day on it can be shipped.
    available_on {text} NOT NULL,
    revision BIGINT NOT NULL,
    units BIGINT NOT NULL,
    reason {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    PRIMARY KEY (product, lot, available_on, revision)
) {clustered};
