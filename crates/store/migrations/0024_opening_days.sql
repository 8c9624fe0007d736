-- The days on which a venue works (開設日), from a day on: its week and single days, as JSON.
CREATE TABLE venue_opening (
    venue {bytes} NOT NULL,
    valid_from {text} NOT NULL,
    days {text} NOT NULL,
    set_by {bytes} NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (venue, valid_from)
) {clustered};
