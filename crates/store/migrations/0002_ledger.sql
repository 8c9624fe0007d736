-- Of every city, the last entry's number and hash. Its row is the lock under which entries are added.
CREATE TABLE chain (
    municipality {text} NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash {bytes} NOT NULL
) {clustered};

-- The entries. Nothing here is ever updated but personal and salt, once, when they are erased.
CREATE TABLE ledger (
    municipality {text} NOT NULL,
    seq BIGINT NOT NULL,
    id {bytes} NOT NULL,
    dose_id {bytes} NOT NULL,
    act {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    device {text} NOT NULL,
    input {text} NOT NULL,
    personal {text},
    salt {bytes},
    commitment {bytes} NOT NULL,
    hash {bytes} NOT NULL,
    PRIMARY KEY (municipality, seq)
) {clustered};
-- A record's first entry is found by the number in its row; most records have no other.
CREATE INDEX ledger_of_dose ON ledger (municipality, dose_id, seq) WHERE act <> 'recorded';

-- The records as they stand now: derived from the ledger, rebuilt by replaying it.
CREATE TABLE dose (
    municipality {text} NOT NULL,
    dose_id {bytes} NOT NULL,
    number {text},
    seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    line {text} NOT NULL,
    turn BIGINT NOT NULL,
    given_on {text} NOT NULL,
    product {text} NOT NULL,
    lot {text} NOT NULL,
    doctor {text} NOT NULL,
    venue {bytes} NOT NULL,
    venue_name {text} NOT NULL,
    venue_city {text} NOT NULL,
    input {text} NOT NULL,
    standing {text} NOT NULL,
    -- The cell of the statistics it is counted in; empty where it is not counted.
    sex {text} NOT NULL,
    age {text} NOT NULL,
    findings {text} NOT NULL,
    severity BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    confirmed BIGINT NOT NULL,
    contested BIGINT NOT NULL,
    PRIMARY KEY (municipality, dose_id)
) {clustered};
CREATE INDEX dose_of_coupon ON dose (municipality, number, seq);
CREATE INDEX dose_by_seq ON dose (municipality, seq);
CREATE INDEX dose_pending ON dose (municipality, seq) WHERE pending = 1;
CREATE INDEX dose_to_check ON dose (municipality, severity, seq) WHERE severity >= 1;

-- What each organisation sent, by the id it made: exactly once, and a venue's list of the day.
CREATE TABLE receipt (
    organisation {bytes} NOT NULL,
    id {bytes} NOT NULL,
    municipality {text} NOT NULL,
    dose_id {bytes} NOT NULL,
    seq BIGINT NOT NULL,
    act {text} NOT NULL,
    content {bytes} NOT NULL,
    day {text} NOT NULL,
    PRIMARY KEY (organisation, id)
) {clustered};
CREATE INDEX receipt_of_day ON receipt (organisation, day, id);

-- The people a city is responsible for (接種対象者), and their coupons.
CREATE TABLE resident (
    municipality {text} NOT NULL,
    resident_no {text} NOT NULL,
    number {text} NOT NULL,
    name {text} NOT NULL,
    kana {text} NOT NULL,
    name_key {text} NOT NULL,
    kana_key {text} NOT NULL,
    birth {text} NOT NULL,
    sex {text} NOT NULL,
    standing {text} NOT NULL,
    standing_since {text},
    protected BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (municipality, resident_no)
) {clustered};
CREATE INDEX resident_by_kana ON resident (municipality, kana_key);
CREATE INDEX resident_by_name ON resident (municipality, name_key);

-- Every number ever issued, and to whom: a reissued coupon leaves its old number here.
CREATE TABLE coupon (
    municipality {text} NOT NULL,
    number {text} NOT NULL,
    resident_no {text} NOT NULL,
    PRIMARY KEY (municipality, number)
) {clustered};
CREATE INDEX coupon_of_resident ON coupon (municipality, resident_no);

-- How far each projection has read each city's ledger.
CREATE TABLE progress (
    projection {text} NOT NULL,
    municipality {text} NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (projection, municipality)
) {clustered};

-- The national statistics.
CREATE TABLE tally (
    day {text} NOT NULL,
    prefecture BIGINT NOT NULL,
    sex {text} NOT NULL,
    age {text} NOT NULL,
    turn BIGINT NOT NULL,
    doses BIGINT NOT NULL,
    PRIMARY KEY (day, prefecture, sex, age, turn)
) {clustered};

-- The same, summed up by city and turn, for the monitor of a prefecture.
CREATE TABLE tally_city (
    municipality {text} NOT NULL,
    turn BIGINT NOT NULL,
    doses BIGINT NOT NULL,
    PRIMARY KEY (municipality, turn)
) {clustered};
