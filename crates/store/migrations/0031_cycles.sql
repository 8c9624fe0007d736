-- Cycles (クール). A row is what holds from then on; the last one holds.
CREATE TABLE cycle (
    id {bytes} NOT NULL,
    revision BIGINT NOT NULL,
    product {text} NOT NULL,
    number BIGINT NOT NULL,
    first_day {text} NOT NULL,
    -- Days, cut-offs and formulas, as JSON.
    terms {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (id, revision)
) {clustered};
CREATE INDEX cycle_by_day ON cycle (first_day, product, number);

-- A level that may act again after its cut-off, because the level above let it.
CREATE TABLE cycle_reopening (
    cycle {bytes} NOT NULL,
    -- Who may: as in organisation.place.
    place {text} NOT NULL,
    act {text} NOT NULL,
    id {bytes} NOT NULL,
    -- That day included.
    until {text} NOT NULL,
    reason {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    PRIMARY KEY (cycle, place, act, id)
) {clustered};
