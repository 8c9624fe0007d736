-- Mandates (委任状) for the collective contract (集合契約). Of those confirmed, the last one whose day has come says
-- whether a venue is a party.
CREATE TABLE mandate (
    id {bytes} NOT NULL PRIMARY KEY,
    venue {bytes} NOT NULL,
    association {bytes} NOT NULL,
    act {text} NOT NULL,
    asked_from {text} NOT NULL,
    -- Who signs for the venue: post and name.
    signatory {text} NOT NULL,
    state {text} NOT NULL,
    made_at BIGINT NOT NULL,
    made_by {bytes} NOT NULL,
    -- From when on it holds, once it is confirmed.
    valid_from {text},
    decided_at BIGINT,
    decided_by {bytes},
    -- Why it was given back.
    answer {text} NOT NULL
) {clustered};
CREATE INDEX mandate_of_venue ON mandate (venue, valid_from, id);
CREATE INDEX mandate_of_association ON mandate (association, state, id);
CREATE UNIQUE INDEX mandate_waiting ON mandate (venue) WHERE state = 'made';
