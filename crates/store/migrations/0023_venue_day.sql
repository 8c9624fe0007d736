-- Whose coupons a venue checked today before the shot; gone the next day.
CREATE TABLE reception (
    venue {bytes} NOT NULL,
    day {text} NOT NULL,
    municipality {text} NOT NULL,
    number {text} NOT NULL,
    colour {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    PRIMARY KEY (venue, day, municipality, number)
) {clustered};

-- A venue's day as it was closed (閉場). A row is never changed; the last one holds.
CREATE TABLE closing (
    venue {bytes} NOT NULL,
    day {text} NOT NULL,
    revision BIGINT NOT NULL,
    -- The lots with vials, doses and reasons, as JSON.
    lines {text} NOT NULL,
    by_user {bytes} NOT NULL,
    at_micros BIGINT NOT NULL,
    PRIMARY KEY (venue, day, revision)
) {clustered};
