-- A venue's tablets (端末). The private half of the key never leaves the tablet, so that what is signed by it was
-- entered on it; a revoked one is kept, since its records name it.
CREATE TABLE device (
    venue {bytes} NOT NULL,
    id {bytes} NOT NULL,
    name {text} NOT NULL,
    public_key {bytes} NOT NULL,
    registered_by {bytes} NOT NULL,
    registered_at BIGINT NOT NULL,
    -- When it last sent, and by how much its clock was ahead of ours then.
    seen_at BIGINT NOT NULL,
    skew_millis BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (venue, id)
) {clustered};

-- What each tablet sent: its own number, and its signature over what was entered. Numbers that are missing here are
-- records that have not left the tablet.
CREATE TABLE device_record (
    venue {bytes} NOT NULL,
    device {bytes} NOT NULL,
    sequence BIGINT NOT NULL,
    dose_id {bytes} NOT NULL,
    made_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    -- Why the digits were believed: codes, twice, alone.
    basis {text} NOT NULL,
    by_file BIGINT NOT NULL,
    statement_hash {bytes} NOT NULL,
    signature {bytes} NOT NULL,
    PRIMARY KEY (venue, device, sequence, dose_id)
) {clustered};
