-- The sums of the supply (需給の見える化), in vials: what the movements mean to each venue, and to all venues of a city.
-- Kept in the transaction that moves vials, proven by adding up again.
CREATE TABLE supply_at_venue (
    venue {bytes} NOT NULL,
    product {text} NOT NULL,
    -- In whose sums the venue's are; empty if nobody knows where it stands.
    municipality {text} NOT NULL,
    -- When the venue last told something of the product; 0 if it never did.
    told_micros BIGINT NOT NULL,
    shipped BIGINT NOT NULL,
    received BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    in_transfer BIGINT NOT NULL,
    on_hand BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    used BIGINT NOT NULL,
    wasted_unused BIGINT NOT NULL,
    wasted_expired BIGINT NOT NULL,
    wasted_temperature BIGINT NOT NULL,
    wasted_opened_none BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    difference BIGINT NOT NULL,
    PRIMARY KEY (venue, product)
) {clustered};
CREATE INDEX supply_at_venue_of_city ON supply_at_venue (product, municipality, venue);
CREATE INDEX supply_at_venue_silent ON supply_at_venue (product, told_micros, municipality) WHERE on_hand <> 0;

CREATE TABLE supply_at_city (
    product {text} NOT NULL,
    municipality {text} NOT NULL,
    shipped BIGINT NOT NULL,
    received BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    in_transfer BIGINT NOT NULL,
    on_hand BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    used BIGINT NOT NULL,
    wasted_unused BIGINT NOT NULL,
    wasted_expired BIGINT NOT NULL,
    wasted_temperature BIGINT NOT NULL,
    wasted_opened_none BIGINT NOT NULL,
    lost BIGINT NOT NULL,
    difference BIGINT NOT NULL,
    PRIMARY KEY (product, municipality)
) {clustered};

-- What the venues of a city have on hand of each lot, for what ends soon.
CREATE TABLE supply_of_lot (
    product {text} NOT NULL,
    lot {text} NOT NULL,
    municipality {text} NOT NULL,
    on_hand BIGINT NOT NULL,
    PRIMARY KEY (product, lot, municipality)
) {clustered};
CREATE INDEX supply_of_lot_here ON supply_of_lot (product, lot, municipality, on_hand) WHERE on_hand <> 0;

-- What changed by the day of the cumulative reports (17時区切り、週末は翌平日), as days since 1970-01-01: the totals of a
-- day are those of now without what was told since.
CREATE TABLE supply_counted (
    counted_on BIGINT NOT NULL,
    product {text} NOT NULL,
    municipality {text} NOT NULL,
    wasted BIGINT NOT NULL,
    on_hand BIGINT NOT NULL,
    PRIMARY KEY (counted_on, product, municipality)
) {clustered};

-- Doses by the day they were given, of each city's and prefecture's venues: the pace at which vaccine is used.
CREATE TABLE dose_given (
    product {text} NOT NULL,
    place {text} NOT NULL,
    day {text} NOT NULL,
    doses BIGINT NOT NULL,
    PRIMARY KEY (product, place, day)
) {clustered};

-- Doses by the day of the cumulative reports on which they came to the ledgers or were taken back: of a venue (its id), a
-- city, a prefecture and the nation (JP).
CREATE TABLE dose_counted (
    place {text} NOT NULL,
    product {text} NOT NULL,
    turn BIGINT NOT NULL,
    counted_on BIGINT NOT NULL,
    doses BIGINT NOT NULL,
    PRIMARY KEY (place, product, turn, counted_on)
) {clustered};

-- When vials of a transfer were taken in; of those before it was kept, when the transfer was told first.
ALTER TABLE stock_transfer ADD COLUMN taken_at BIGINT;
UPDATE stock_transfer SET taken_at = at_micros WHERE taken IS NOT NULL;
CREATE INDEX stock_transfer_taken ON stock_transfer (to_venue, taken_at) WHERE taken > 0;
CREATE INDEX delivery_received ON delivery (venue, received_at) WHERE received > 0;
