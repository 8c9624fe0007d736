-- Rows of some hundreds of bytes do not belong into the leaves of a key: five fill a page, and every
-- dose splits one. In a table of their own they lie one after the other, and the key's leaves hold
-- a hundred entries each: a dose writes a third of the pages.
ALTER TABLE ledger RENAME TO ledger_clustered;
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
);
INSERT INTO ledger SELECT * FROM ledger_clustered ORDER BY municipality, seq;
DROP TABLE ledger_clustered;
CREATE INDEX ledger_of_dose ON ledger (municipality, dose_id, seq) WHERE act <> 'recorded';

ALTER TABLE dose RENAME TO dose_clustered;
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
    sex {text} NOT NULL,
    age {text} NOT NULL,
    findings {text} NOT NULL,
    severity BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    confirmed BIGINT NOT NULL,
    contested BIGINT NOT NULL,
    PRIMARY KEY (municipality, dose_id)
);
INSERT INTO dose SELECT * FROM dose_clustered ORDER BY municipality, seq;
DROP TABLE dose_clustered;
CREATE INDEX dose_of_coupon ON dose (municipality, number, seq);
CREATE INDEX dose_pending ON dose (municipality, seq) WHERE pending = 1;
CREATE INDEX dose_to_check ON dose (municipality, seq, severity) WHERE severity >= 1;
