-- Figures that formulas use, as somebody stated them; a decision keeps those it was made from.
CREATE TABLE allocation_figure (
    place {text} NOT NULL,
    product {text} NOT NULL,
    figure {text} NOT NULL,
    value BIGINT NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (place, product, figure)
) {clustered};

-- What a level asked the one above for. A row is what it asks from then on; the last one holds.
CREATE TABLE allocation_request (
    cycle {bytes} NOT NULL,
    place {text} NOT NULL,
    revision BIGINT NOT NULL,
    units BIGINT NOT NULL,
    reason {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (cycle, place, revision)
) {clustered};

-- The formula and the overrides that a giver works on and has not published.
CREATE TABLE allocation_draft (
    cycle {bytes} NOT NULL,
    giver {text} NOT NULL,
    draft {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (cycle, giver)
) {clustered};

-- What a giver published, with all it was made from. A row is never changed; the last one holds.
CREATE TABLE allocation_decision (
    cycle {bytes} NOT NULL,
    giver {text} NOT NULL,
    revision BIGINT NOT NULL,
    supply BIGINT NOT NULL,
    -- The plan as docs/allocation.md has it: inputs, formula, overrides.
    plan {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    PRIMARY KEY (cycle, giver, revision)
) {clustered};

-- What each receiver got by the last decision.
CREATE TABLE allocation_line (
    cycle {bytes} NOT NULL,
    giver {text} NOT NULL,
    receiver {text} NOT NULL,
    product {text} NOT NULL,
    first_day {text} NOT NULL,
    revision BIGINT NOT NULL,
    units BIGINT NOT NULL,
    PRIMARY KEY (cycle, giver, receiver)
) {clustered};
CREATE INDEX allocation_line_of_receiver ON allocation_line (receiver, product, first_day);
CREATE INDEX allocation_line_of_giver ON allocation_line (giver, product, first_day);
