-- When a number became void, why, and which number took its place.
ALTER TABLE coupon ADD COLUMN voided_at BIGINT;
ALTER TABLE coupon ADD COLUMN void_reason {text};
ALTER TABLE coupon ADD COLUMN replaced_by {text};

-- Coupons as they were issued (接種券の発行): one row for each dose that a paper is for.
CREATE TABLE coupon_issue (
    municipality {text} NOT NULL,
    number {text} NOT NULL,
    turn BIGINT NOT NULL,
    -- 0 for the first paper of this number and dose, counted on with each reissue.
    nth BIGINT NOT NULL,
    resident_no {text} NOT NULL,
    state {text} NOT NULL,
    form {text} NOT NULL,
    -- Why it was issued again; empty for the first time.
    reason {text} NOT NULL,
    issued_at BIGINT NOT NULL,
    -- The batch it is printed in, its place in the mailing, and whether it is printed singly
    -- because the person is protected (支援措置).
    batch {bytes},
    sort_key {text} NOT NULL,
    apart BIGINT NOT NULL,
    PRIMARY KEY (municipality, number, turn, nth)
) {clustered};
CREATE INDEX coupon_issue_of_resident ON coupon_issue (municipality, resident_no);
CREATE INDEX coupon_issue_of_batch ON coupon_issue (municipality, batch, sort_key) WHERE batch IS NOT NULL;
-- Of one dose of a person one coupon is out at most.
CREATE UNIQUE INDEX coupon_issue_out ON coupon_issue (municipality, resident_no, turn) WHERE state = 'issued';

-- Cohorts that coupons are issued to: counted, approved by somebody, issued, cut into files.
CREATE TABLE coupon_batch (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    cohort {text} NOT NULL,
    state {text} NOT NULL,
    -- People in the register when it began, and the key up to which the work in hand is done.
    residents BIGINT NOT NULL,
    position {text} NOT NULL,
    -- What counting found and what issuing came to, as JSON.
    found {text} NOT NULL,
    done {text} NOT NULL,
    files BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    created_at BIGINT NOT NULL,
    approved_by {bytes},
    approved_at BIGINT,
    worker {bytes},
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (municipality, id)
) {clustered};
CREATE INDEX coupon_batch_at_work ON coupon_batch (state, leased_until)
    WHERE state IN ('counting', 'issuing', 'cutting');

-- Where each file of a batch ends. The files themselves are printed anew whenever they are taken out.
CREATE TABLE coupon_file (
    municipality {text} NOT NULL,
    batch {bytes} NOT NULL,
    file BIGINT NOT NULL,
    upto_key {text} NOT NULL,
    people BIGINT NOT NULL,
    coupons BIGINT NOT NULL,
    PRIMARY KEY (municipality, batch, file)
) {clustered};
