-- Files of venues (会場マスタの取込) go the way of files of people and records. Whose a file is was a city's code; of a
-- file of venues it is the key of its area's place, as in organisation.place ('nation', 'prefecture:13', 'city:131016').
ALTER TABLE import RENAME COLUMN municipality TO desk;
ALTER TABLE import_piece RENAME COLUMN municipality TO desk;
ALTER TABLE import_remark RENAME COLUMN municipality TO desk;
ALTER TABLE import_stretch RENAME COLUMN municipality TO desk;

-- By which file something was told of a venue; none if by hand.
ALTER TABLE venue_code ADD COLUMN import {bytes};
ALTER TABLE venue_section ADD COLUMN import {bytes};

-- How the venues of a stretch of lines stood when the file was looked through, as JSON: whoever changed one of them since
-- is not overwritten.
CREATE TABLE import_seen (
    desk {text} NOT NULL,
    import {bytes} NOT NULL,
    upto_line BIGINT NOT NULL,
    seen {text} NOT NULL,
    PRIMARY KEY (desk, import, upto_line)
) {clustered};

-- What a file told of venues that it founded, once that was taken back: venue, code or section, and the whole row as JSON.
CREATE TABLE venue_undone (
    import {bytes} NOT NULL,
    venue {bytes} NOT NULL,
    about {text} NOT NULL,
    told {text} NOT NULL,
    undone_at BIGINT NOT NULL,
    PRIMARY KEY (import, venue, about)
) {clustered};

-- Whether an area wants a second person to approve its files of venues.
CREATE TABLE venue_file_setting (
    desk {text} NOT NULL PRIMARY KEY,
    second_person BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by {bytes} NOT NULL
) {clustered};
-- From what was told to the file that told it.
CREATE INDEX import_of_venues ON import (id) WHERE kind = 'venues';
