-- Individual Numbers (個人番号) under seal. By lookup, a keyed hash, a number that is known is found
-- again; sealed opens with the city's data key and at this very row only.
CREATE TABLE individual_number (
    municipality {text} NOT NULL,
    resident_no {text} NOT NULL,
    lookup {bytes} NOT NULL,
    key_no BIGINT NOT NULL,
    sealed {bytes} NOT NULL,
    kept_at BIGINT NOT NULL,
    PRIMARY KEY (municipality, resident_no)
) {clustered};
CREATE INDEX individual_number_by_lookup ON individual_number (lookup);

-- The data keys of each city, each wrapped by a master key that is kept elsewhere. The highest number
-- seals, all open. born_under says which master key was the newest when it was made.
CREATE TABLE seal_key (
    municipality {text} NOT NULL,
    key_no BIGINT NOT NULL,
    master {text} NOT NULL,
    wrapped {bytes} NOT NULL,
    born_under {text} NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (municipality, key_no)
) {clustered};

-- The secret behind every lookup, wrapped too. One for all cities, since the city that somebody
-- moved to finds them in the one they left; it stays when master keys change.
CREATE TABLE seal_lookup (
    purpose {text} NOT NULL PRIMARY KEY,
    master {text} NOT NULL,
    wrapped {bytes} NOT NULL,
    made_at BIGINT NOT NULL
) {clustered};
