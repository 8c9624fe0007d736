-- Files that a city hands in (取込), each looked through before anybody approves it.
CREATE TABLE import (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    file_name {text} NOT NULL,
    encoding {text} NOT NULL,
    bytes BIGINT NOT NULL,
    state {text} NOT NULL,
    -- Lines and bytes of the work in hand, and what it came to so far, as JSON.
    lines BIGINT NOT NULL,
    read_bytes BIGINT NOT NULL,
    found {text} NOT NULL,
    done {text} NOT NULL,
    -- Why the file as a whole is no good, in Japanese and English, as JSON.
    refusal {text},
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    created_at BIGINT NOT NULL,
    approved_by {bytes},
    approved_at BIGINT,
    -- Which server has it in hand, and until when the others leave it alone.
    worker {bytes},
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (municipality, id)
) {clustered};
CREATE INDEX import_at_work ON import (state, leased_until)
    WHERE state IN ('checking', 'applying', 'undoing');

-- The file, so that any server can go on with it after a restart; gone once it is applied or thrown away.
CREATE TABLE import_piece (
    municipality {text} NOT NULL,
    import {bytes} NOT NULL,
    piece BIGINT NOT NULL,
    bytes {bytes} NOT NULL,
    PRIMARY KEY (municipality, import, piece)
);

-- What is to be said about its lines: a JSON list for each stretch of lines.
CREATE TABLE import_remark (
    municipality {text} NOT NULL,
    import {bytes} NOT NULL,
    upto_line BIGINT NOT NULL,
    remarks {text} NOT NULL,
    PRIMARY KEY (municipality, import, upto_line)
);

-- For each stretch that was applied, how its people stood before: what undoing puts back.
CREATE TABLE import_stretch (
    municipality {text} NOT NULL,
    import {bytes} NOT NULL,
    upto_line BIGINT NOT NULL,
    before {text} NOT NULL,
    done {text} NOT NULL,
    PRIMARY KEY (municipality, import, upto_line)
);
