-- The books of the stock (在庫): vials from one account to another. A row is never changed; a mistake is mended by
-- another. By lot first, since that is how they are proven and recalled.
CREATE TABLE stock_movement (
    product {text} NOT NULL,
    lot {text} NOT NULL,
    -- What moved them, and which part of it this is.
    act {bytes} NOT NULL,
    part BIGINT NOT NULL,
    kind {text} NOT NULL,
    from_holder {bytes} NOT NULL,
    from_account {text} NOT NULL,
    to_holder {bytes} NOT NULL,
    to_account {text} NOT NULL,
    vials BIGINT NOT NULL CONSTRAINT stock_movement_vials CHECK (vials > 0),
    -- The day it happened, which may be before it was entered.
    on_day {text} NOT NULL,
    -- When the vials left the freezer, where that is told; 0 where it is not.
    began_micros BIGINT NOT NULL,
    note {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    PRIMARY KEY (product, lot, act, part)
) {clustered};
CREATE INDEX stock_movement_from ON stock_movement (from_holder, product, lot, at_micros);
CREATE INDEX stock_movement_to ON stock_movement (to_holder, product, lot, at_micros);

-- What the movements leave at each account: kept in the transaction that moves, proven by adding up again.
CREATE TABLE stock_balance (
    holder {bytes} NOT NULL,
    product {text} NOT NULL,
    lot {text} NOT NULL,
    account {text} NOT NULL,
    vials BIGINT NOT NULL,
    PRIMARY KEY (holder, product, lot, account)
) {clustered};
CREATE INDEX stock_balance_of_lot ON stock_balance (lot, product, holder, account);

-- What each organisation sent, by the id it made: exactly once.
CREATE TABLE stock_act (
    organisation {bytes} NOT NULL,
    id {bytes} NOT NULL,
    content {bytes} NOT NULL,
    PRIMARY KEY (organisation, id)
) {clustered};

-- Of every day, venue and lot: the doses by the ledgers, and the vials that were booked for them.
CREATE TABLE stock_use (
    venue {bytes} NOT NULL,
    day {text} NOT NULL,
    product {text} NOT NULL,
    lot {text} NOT NULL,
    doses_primary BIGINT NOT NULL,
    doses_booster BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    used BIGINT NOT NULL,
    opened_none BIGINT NOT NULL,
    discarded BIGINT NOT NULL,
    -- How often vials were booked.
    revision BIGINT NOT NULL,
    -- 1 if doses or the closing say something new since then.
    unsettled BIGINT NOT NULL,
    PRIMARY KEY (venue, day, product, lot)
) {clustered};
CREATE INDEX stock_use_unsettled ON stock_use (venue, day, product, lot) WHERE unsettled = 1;
CREATE INDEX stock_use_open ON stock_use (day, venue, product, lot) WHERE opened > used + opened_none;
CREATE INDEX stock_use_of_lot ON stock_use (product, lot, venue, day);

-- Whose dose came out of which lot: for a recall.
CREATE TABLE lot_dose (
    lot {text} NOT NULL,
    municipality {text} NOT NULL,
    dose_id {bytes} NOT NULL,
    product {text} NOT NULL,
    PRIMARY KEY (lot, municipality, dose_id)
) {clustered};

-- Venues by the code that slips and other venues name them by.
CREATE INDEX organisation_by_facility ON organisation (facility_code) WHERE facility_code IS NOT NULL;
