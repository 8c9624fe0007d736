-- The codes of venues (会場コード), each from a day on. A row is what was told; of two from the same day on the later told
-- one holds. organisation.facility_code repeats the one of today.
CREATE TABLE venue_code (
    venue {bytes} NOT NULL,
    revision BIGINT NOT NULL,
    valid_from {text} NOT NULL,
    code {text} NOT NULL,
    kind {text} NOT NULL,
    reason {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    -- Who told it; none of what was there before codes had days.
    by_user {bytes},
    organisation {bytes},
    PRIMARY KEY (venue, revision)
) {clustered};
CREATE INDEX venue_code_by_code ON venue_code (code, venue);
CREATE INDEX venue_code_by_day ON venue_code (valid_from, venue);
INSERT INTO venue_code (venue, revision, valid_from, code, kind, reason, at_micros)
    SELECT id, 1, '2021-02-17', facility_code,
           CASE WHEN SUBSTR(facility_code, 3, 1) = '9' THEN 'look-alike' ELSE 'medical' END, '', 0
    FROM organisation
    WHERE kind = 'venue' AND facility_code IS NOT NULL;

-- What is told of venues (会場マスタ), section by section, each from a day on, as JSON. Nothing is overwritten.
CREATE TABLE venue_section (
    venue {bytes} NOT NULL,
    section {text} NOT NULL,
    revision BIGINT NOT NULL,
    valid_from {text} NOT NULL,
    told {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    PRIMARY KEY (venue, section, revision)
) {clustered};
CREATE INDEX venue_section_by_day ON venue_section (section, valid_from, venue);

-- Applications for new codes (類似コードの新規付番申請), and what the prefecture said.
CREATE TABLE code_application (
    id {bytes} NOT NULL PRIMARY KEY,
    prefecture BIGINT NOT NULL,
    municipality {text} NOT NULL,
    venue {bytes} NOT NULL,
    category {text} NOT NULL,
    valid_from {text} NOT NULL,
    reason {text} NOT NULL,
    applied_at BIGINT NOT NULL,
    applied_by {bytes} NOT NULL,
    -- `waiting`, `issued`, `refused`.
    state {text} NOT NULL,
    decided_at BIGINT,
    decided_by {bytes},
    -- Why not.
    answer {text} NOT NULL,
    serial BIGINT,
    code {text}
) {clustered};
CREATE INDEX code_application_of_prefecture ON code_application (prefecture, state, id);
CREATE INDEX code_application_of_venue ON code_application (venue, id);
CREATE UNIQUE INDEX code_application_waiting ON code_application (venue) WHERE state = 'waiting';
CREATE UNIQUE INDEX code_application_serial ON code_application (prefecture, category, serial) WHERE serial IS NOT NULL;
