-- People on a standby list (キャンセル待ち名簿): a venue's own, or its city's. Of a venue's list the city is empty, of a
-- city's the venue. A row is never changed.
CREATE TABLE standby (
    id {bytes} NOT NULL PRIMARY KEY,
    city {text} NOT NULL,
    venue {bytes} NOT NULL,
    -- The number on the list, from 1; never given again.
    number BIGINT NOT NULL,
    -- The coupon: all 18 digits, and whom they lead to.
    line {text} NOT NULL,
    municipality {text} NOT NULL,
    coupon {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL
) {clustered};
CREATE UNIQUE INDEX standby_number ON standby (city, venue, number);
CREATE INDEX standby_of_coupon ON standby (municipality, coupon);

-- What they told, and their consent. A row is never changed; the newest revision holds.
CREATE TABLE standby_word (
    standby {bytes} NOT NULL,
    revision BIGINT NOT NULL,
    -- `waiting`, `withdrawn`.
    state {text} NOT NULL,
    -- The keys of products, as JSON; none for any.
    products {text} NOT NULL,
    from_minute BIGINT NOT NULL,
    needs_minutes BIGINT NOT NULL,
    consent_on {text} NOT NULL,
    consent_way {text} NOT NULL,
    consent_until {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (standby, revision)
) {clustered};

-- Their telephone; gone as soon as they are not to be called any more.
CREATE TABLE standby_phone (
    standby {bytes} NOT NULL PRIMARY KEY,
    phone {text} NOT NULL
) {clustered};

-- Whom a city wants called first, from a day on. The newest revision of the last day holds.
CREATE TABLE standby_rule (
    city {text} NOT NULL,
    valid_from {text} NOT NULL,
    revision BIGINT NOT NULL,
    first_from_age BIGINT,
    -- 1 if its venues may call the people on the city's own list.
    shares_list BIGINT NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (city, valid_from, revision)
) {clustered};

-- The key of a venue's draw on a day: written once, never changed.
CREATE TABLE standby_draw (
    venue {bytes} NOT NULL,
    day {text} NOT NULL,
    key {bytes} NOT NULL,
    at_micros BIGINT NOT NULL,
    PRIMARY KEY (venue, day)
) {clustered};

-- Open vials that a venue says will be left over (余剰). A row is never changed; the newest revision holds.
CREATE TABLE leftover (
    venue {bytes} NOT NULL,
    day {text} NOT NULL,
    id {bytes} NOT NULL,
    revision BIGINT NOT NULL,
    product {text} NOT NULL,
    lot {text} NOT NULL,
    purpose {text} NOT NULL,
    vials_opened BIGINT NOT NULL,
    opened_micros BIGINT NOT NULL,
    expected BIGINT NOT NULL,
    -- Until when somebody is there; 0 if the vial ends first.
    stays_micros BIGINT NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (venue, day, id, revision)
) {clustered};

-- That somebody's turn came, or that nobody could be called: then standby is empty.
CREATE TABLE leftover_offer (
    id {bytes} NOT NULL PRIMARY KEY,
    venue {bytes} NOT NULL,
    day {text} NOT NULL,
    leftover {bytes} NOT NULL,
    standby {bytes} NOT NULL,
    municipality {text} NOT NULL,
    coupon {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL
) {clustered};
CREATE INDEX leftover_offer_of_day ON leftover_offer (venue, day, at_micros);
CREATE INDEX leftover_offer_of_coupon ON leftover_offer (municipality, coupon, day);

-- What became of a call. A row is never changed; the newest revision holds. That somebody came is no word: it is the
-- record of their dose.
CREATE TABLE leftover_word (
    offer {bytes} NOT NULL,
    revision BIGINT NOT NULL,
    word {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (offer, revision)
) {clustered};

-- Who stood before whoever was called, and why they were not.
CREATE TABLE leftover_pass (
    offer {bytes} NOT NULL,
    place BIGINT NOT NULL,
    standby {bytes} NOT NULL,
    reason {text} NOT NULL,
    finding {text} NOT NULL,
    PRIMARY KEY (offer, place)
) {clustered};
