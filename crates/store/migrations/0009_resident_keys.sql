-- Former names (旧姓), aliases (通称) and Latin letters, as JSON; few people have any.
ALTER TABLE resident ADD COLUMN other_names {text};
-- Whether the keys are of this kind: kana_key was the kana in writing and is their sound now. The
-- server makes the keys of those who were here before, stretch by stretch; then the index is empty.
ALTER TABLE resident ADD COLUMN keyed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX resident_unkeyed ON resident (municipality, resident_no) WHERE keyed = 0;

-- In the order in which a search is paged.
DROP INDEX resident_by_kana;
DROP INDEX resident_by_name;
CREATE INDEX resident_by_kana ON resident (municipality, kana_key, resident_no);
CREATE INDEX resident_by_name ON resident (municipality, name_key, resident_no);
-- In a city of three million some hundred people share a birthday: no longer list is ever read.
CREATE INDEX resident_by_birth ON resident (municipality, birth, kana_key, resident_no);

-- The keys of all names but the first, in writing (written) and in sound (sound). The first is in
-- resident itself, so that most people have no row here.
CREATE TABLE resident_key (
    municipality {text} NOT NULL,
    resident_no {text} NOT NULL,
    kind {text} NOT NULL,
    key {text} NOT NULL,
    PRIMARY KEY (municipality, resident_no, kind, key)
) {clustered};
CREATE INDEX resident_key_by_key ON resident_key (municipality, kind, key, resident_no);
