-- Where people live, as JSON, for letters alone. A protected person (支援措置) has none here: what is not
-- kept cannot be told.
ALTER TABLE resident ADD COLUMN address {text};

-- Coupons for a dose and interview-only coupons (予診のみ券) are out beside each other.
DROP INDEX coupon_issue_out;
CREATE UNIQUE INDEX coupon_issue_out ON coupon_issue (municipality, resident_no, turn)
    WHERE state = 'issued' AND form <> 'interview';
CREATE UNIQUE INDEX coupon_interview_out ON coupon_issue (municipality, resident_no, turn)
    WHERE state = 'issued' AND form = 'interview';

-- In whose name a city's papers are sent (差出人), from a day on; what was true before stays.
CREATE TABLE sender (
    municipality {text} NOT NULL,
    valid_from {text} NOT NULL,
    office {text} NOT NULL,
    mayor {text} NOT NULL,
    desk {text} NOT NULL,
    phone {text} NOT NULL,
    postal_code {text} NOT NULL,
    address {text} NOT NULL,
    set_by {bytes} NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (municipality, valid_from)
) {clustered};
