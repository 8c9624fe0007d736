-- What a city ordered of a wholesaler for a venue (発注), by the order's number.
CREATE TABLE vial_order (
    supplier {bytes} NOT NULL,
    number {text} NOT NULL,
    municipality {text} NOT NULL,
    venue {bytes} NOT NULL,
    product {text} NOT NULL,
    vials BIGINT NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    PRIMARY KEY (supplier, number)
) {clustered};

-- Deliveries (配送結果), a row for each lot of a slip: what the supplier says it handed over, and what the venue says
-- it has. Either may speak first; while the two differ it is on both work lists.
CREATE TABLE delivery (
    supplier {bytes} NOT NULL,
    slip {text} NOT NULL,
    product {text} NOT NULL,
    lot {text} NOT NULL,
    id {bytes} NOT NULL,
    venue {bytes} NOT NULL,
    order_number {text} NOT NULL,
    expires {text} NOT NULL,
    delivered_on {text} NOT NULL,
    temperature {text} NOT NULL,
    note {text} NOT NULL,
    -- What the supplier told, as one value, to know it again.
    content {bytes} NOT NULL,
    shipped BIGINT NOT NULL,
    received BIGINT,
    received_at BIGINT,
    venue_note {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    PRIMARY KEY (supplier, slip, product, lot)
) {clustered};
CREATE UNIQUE INDEX delivery_by_id ON delivery (id);
CREATE INDEX delivery_by_slip ON delivery (slip, venue);
CREATE INDEX delivery_of_lot ON delivery (product, lot, venue);
CREATE INDEX delivery_of_order ON delivery (supplier, order_number) WHERE order_number <> '';
CREATE INDEX delivery_open_at_venue ON delivery (venue, id) WHERE received IS NULL OR received <> shipped;
CREATE INDEX delivery_open_at_supplier ON delivery (supplier, id) WHERE received IS NULL OR received <> shipped;

-- What has to be asked about a delivery or a line of its file (確認事項), on the work list of whoever can answer.
CREATE TABLE stock_question (
    holder {bytes} NOT NULL,
    id {bytes} NOT NULL,
    question {text} NOT NULL,
    -- The line as it was handed in, or the delivery it is about.
    about {text} NOT NULL,
    detail {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    answered_at BIGINT,
    answered_by {bytes},
    answer {text} NOT NULL,
    PRIMARY KEY (holder, id)
) {clustered};
CREATE INDEX stock_question_open ON stock_question (holder, id) WHERE answered_at IS NULL;
