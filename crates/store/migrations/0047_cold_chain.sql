-- The coolers of venues (保冷庫): the newest revision of each holds. A cooler never changes its kind.
CREATE TABLE cooler (
    venue {bytes} NOT NULL,
    id {bytes} NOT NULL,
    revision BIGINT NOT NULL,
    name {text} NOT NULL,
    kind {text} NOT NULL,
    -- The longest time between two readings that is expected.
    every_minutes BIGINT NOT NULL,
    in_use BIGINT NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (venue, id, revision)
) {clustered};

-- What displays and loggers said. A row is never changed: of the rows of a minute the newest revision holds, and says
-- why it was told; without tenths of a degree the reading was taken back.
CREATE TABLE cooler_reading (
    cooler {bytes} NOT NULL,
    minute BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    tenths BIGINT,
    -- 1 if the cooler is not to be so on that day.
    outside BIGINT NOT NULL,
    -- `page`, `file`, `api`.
    way {text} NOT NULL,
    reason {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (cooler, minute, revision)
) {clustered};

-- When coolers were too warm or too cold (温度逸脱): follows from the readings, written in the transaction that writes
-- them.
CREATE TABLE excursion (
    id {bytes} NOT NULL PRIMARY KEY,
    venue {bytes} NOT NULL,
    cooler {bytes} NOT NULL,
    kind {text} NOT NULL,
    since_minute BIGINT NOT NULL,
    first_minute BIGINT NOT NULL,
    last_minute BIGINT NOT NULL,
    -- None while it lasts.
    over_minute BIGINT,
    lowest BIGINT NOT NULL,
    highest BIGINT NOT NULL,
    -- `open`: it lasts, or vials may wait for a decision; `settled`; `withdrawn`: by corrected readings there was none.
    state {text} NOT NULL,
    at_micros BIGINT NOT NULL
) {clustered};
CREATE INDEX excursion_of_cooler ON excursion (cooler, first_minute);
CREATE INDEX excursion_of_venue ON excursion (venue, first_minute);
CREATE INDEX excursion_open ON excursion (venue, id) WHERE state = 'open';

-- What was decided about vials in doubt. Its id names the movement by which they left the shelf.
CREATE TABLE excursion_decision (
    excursion {bytes} NOT NULL,
    id {bytes} NOT NULL,
    product {text} NOT NULL,
    lot {text} NOT NULL,
    outcome {text} NOT NULL,
    vials BIGINT NOT NULL CONSTRAINT excursion_decision_vials CHECK (vials > 0),
    -- The venue they were brought to.
    facility {text} NOT NULL,
    reason {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (excursion, id)
) {clustered};
