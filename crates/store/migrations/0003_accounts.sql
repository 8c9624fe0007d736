-- Organisations that use the system. place is where each stands, and no two stand at the same:
-- 'nation', 'prefecture:13', 'city:131016', 'venue:<id>', 'company:<id>'.
CREATE TABLE organisation (
    id {bytes} NOT NULL PRIMARY KEY,
    kind {text} NOT NULL,
    name {text} NOT NULL,
    place {text} NOT NULL,
    prefecture BIGINT,
    municipality {text},
    facility_code {text},
    active BIGINT NOT NULL
) {clustered};
CREATE UNIQUE INDEX organisation_by_place ON organisation (place);
CREATE INDEX organisation_of_kind ON organisation (kind, prefecture, municipality);

-- People with a login.
CREATE TABLE account (
    id {bytes} NOT NULL PRIMARY KEY,
    organisation {bytes} NOT NULL,
    login {text} NOT NULL,
    name {text} NOT NULL,
    role {text} NOT NULL,
    password_hash {text} NOT NULL,
    password_must_change BIGINT NOT NULL,
    active BIGINT NOT NULL,
    created_at BIGINT NOT NULL
) {clustered};
CREATE UNIQUE INDEX account_by_login ON account (login);
CREATE INDEX account_of_organisation ON account (organisation, login);

-- Open sessions; the key is the SHA-256 of the token, so that a stolen copy of the table opens nothing.
CREATE TABLE session (
    token_hash {bytes} NOT NULL PRIMARY KEY,
    account {bytes},
    record {text} NOT NULL,
    expires_at BIGINT NOT NULL
) {clustered};
CREATE INDEX session_of_account ON session (account);
CREATE INDEX session_by_expiry ON session (expires_at);

-- What people changed outside the ledger (accounts, residents, settings); the ledger is its own audit.
CREATE TABLE audit (
    id {bytes} NOT NULL PRIMARY KEY,
    at_micros BIGINT NOT NULL,
    municipality {text},
    organisation {bytes} NOT NULL,
    by_user {bytes} NOT NULL,
    action {text} NOT NULL,
    subject {text} NOT NULL,
    detail {text} NOT NULL
) {clustered};
CREATE INDEX audit_by_time ON audit (organisation, at_micros);

-- Who looked at whose record, and for what (閲覧記録).
CREATE TABLE access_log (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    number {text},
    view {text} NOT NULL,
    purpose {text} NOT NULL,
    PRIMARY KEY (municipality, id)
) {clustered};
CREATE INDEX access_log_of_person ON access_log (municipality, number, id);

-- A venue's settings of one day (当日の設定); a new day has none.
CREATE TABLE day_setting (
    venue {bytes} NOT NULL,
    account {bytes} NOT NULL,
    day {text} NOT NULL,
    given_on {text} NOT NULL,
    venue_name {text} NOT NULL,
    doctor {text} NOT NULL,
    product {text} NOT NULL,
    lot {text} NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (venue, account, day)
) {clustered};
