-- Disaster packs (災害用一式): a city's or a venue's day on paper. Each is made in stretches, kept for a few days
-- and never changed once it is printed.
CREATE TABLE pack (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    -- Whose: a venue's id, or sixteen zeros for the city's own.
    venue {bytes} NOT NULL,
    -- The day it is for, and whether the night made it.
    day {text} NOT NULL,
    nightly BIGINT NOT NULL,
    state {text} NOT NULL,
    -- The key up to which the work in hand is done, how many were looked at, and of how many.
    position {text} NOT NULL,
    looked BIGINT NOT NULL,
    whole BIGINT NOT NULL,
    -- People expected, however many of them are in it; forms in it; those that had to be left blank.
    expected BIGINT NOT NULL,
    forms BIGINT NOT NULL,
    made_blank BIGINT NOT NULL,
    -- Why it could not be made, as a stable word; empty otherwise.
    failure {text} NOT NULL,
    by_user {bytes} NOT NULL,
    created_at BIGINT NOT NULL,
    made_at BIGINT,
    worker {bytes},
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (municipality, id)
) {clustered};
CREATE INDEX pack_of_place ON pack (municipality, venue, id);
CREATE UNIQUE INDEX pack_of_night ON pack (municipality, venue, day) WHERE nightly = 1;
CREATE INDEX pack_at_work ON pack (state, leased_until) WHERE state IN ('gathering', 'printing');

-- Who is in a pack, while it is made: those that stand first by the sort key.
CREATE TABLE pack_form (
    municipality {text} NOT NULL,
    pack {bytes} NOT NULL,
    sort_key {text} NOT NULL,
    resident_no {text} NOT NULL,
    turn BIGINT NOT NULL,
    last_given {text},
    form {bytes} NOT NULL,
    PRIMARY KEY (municipality, pack, sort_key)
) {clustered};

-- The printed files. They name people and go with their packs.
CREATE TABLE pack_file (
    municipality {text} NOT NULL,
    pack {bytes} NOT NULL,
    pdf {bytes} NOT NULL,
    PRIMARY KEY (municipality, pack)
);
