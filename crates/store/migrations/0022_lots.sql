-- The register of lots (ロット台帳). A row is what it says from then on; the last one holds.
CREATE TABLE vaccine_lot (
    product {text} NOT NULL,
    lot {text} NOT NULL,
    revision BIGINT NOT NULL,
    -- The last day as printed.
    expires {text} NOT NULL,
    -- Since when it must not be given; none if it may be.
    recalled_since {text},
    reason {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    PRIMARY KEY (product, lot, revision)
) {clustered};

-- Packages by their number (GTIN): which product is in it.
CREATE TABLE vaccine_package (
    gtin {text} NOT NULL PRIMARY KEY,
    product {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL
) {clustered};
