-- The codes under which wholesalers and makers know venues (自社コード), each from a day on; an empty one is none. A row
-- is what was told; of two from the same day on the later told one holds.
CREATE TABLE venue_own_code (
    supplier {bytes} NOT NULL,
    venue {bytes} NOT NULL,
    revision BIGINT NOT NULL,
    valid_from {text} NOT NULL,
    own_code {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (supplier, venue, revision)
) {clustered};
