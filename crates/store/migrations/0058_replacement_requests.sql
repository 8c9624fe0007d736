-- What was asked for in place of a recalled lot's vials (代替の依頼), once for each venue that lacks them. A row that asks a
-- venue for vials (融通) is never changed: what came of it follows from its transfers. Of a row that asks a supplier the
-- giving venue is empty; the number of its order is filled in once, when there is somebody to deliver.
CREATE TABLE replacement_request (
    lot {text} NOT NULL,
    product {text} NOT NULL,
    to_venue {bytes} NOT NULL,
    from_venue {bytes} NOT NULL,
    vials BIGINT NOT NULL CONSTRAINT replacement_request_vials CHECK (vials > 0),
    supplier {bytes},
    order_number {text},
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (lot, product, to_venue, from_venue)
) {clustered};
CREATE INDEX replacement_request_of_giver ON replacement_request (from_venue, to_venue);
CREATE INDEX replacement_request_of_receiver ON replacement_request (to_venue);
