-- The days on which a venue works (開設日), from a day on: its week and single days, as JSON.
CREATE TABLE venue_opening (
    venue {bytes} NOT NULL,
    valid_from {text} NOT NULL,
    days {text} NOT NULL,
    set_by {bytes} NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (venue, valid_from)
) {clustered};

-- What lines of a file correct or take back (取消区分 1, 2): which record, what it said when the file was
-- looked through, and what it shall say (JSON; none if it is taken back).
CREATE TABLE import_act (
    municipality {text} NOT NULL,
    import {bytes} NOT NULL,
    line BIGINT NOT NULL,
    dose_id {bytes} NOT NULL,
    was {text} NOT NULL,
    becomes {text},
    -- What came of it: `waiting`, `done`, `overtaken`; and the last line of its stretch, once it was tried.
    outcome {text} NOT NULL,
    upto_line BIGINT,
    PRIMARY KEY (municipality, import, line)
) {clustered};

-- Who asked for an applied file to be taken back, where somebody else has to approve that.
ALTER TABLE import ADD COLUMN undo_asked_by {bytes};
ALTER TABLE import ADD COLUMN undo_asked_at BIGINT;
