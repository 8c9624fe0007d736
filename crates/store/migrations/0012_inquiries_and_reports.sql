-- Inquiries about people who moved in (転入者の照会), with the city that asked. No Individual Number.
CREATE TABLE inquiry (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    purpose {text} NOT NULL,
    -- resident, number, file: whose number was taken.
    way {text} NOT NULL,
    -- The person in the asking city's own register, if there.
    resident_no {text},
    number {text},
    doses BIGINT NOT NULL,
    cities BIGINT NOT NULL,
    PRIMARY KEY (municipality, id)
) {clustered};

-- The same with each city that answered, which need not look into the asking city's table for it.
CREATE TABLE inquiry_answer (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    inquiry {bytes} NOT NULL,
    asking {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    purpose {text} NOT NULL,
    way {text} NOT NULL,
    resident_no {text} NOT NULL,
    number {text} NOT NULL,
    doses BIGINT NOT NULL,
    -- Whether the person was protected in any register when asked about: then who asked is not listed.
    withheld BIGINT NOT NULL,
    PRIMARY KEY (municipality, id)
) {clustered};

-- Files of questions, worked through stretch by stretch.
CREATE TABLE inquiry_file (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    file_name {text} NOT NULL,
    purpose {text} NOT NULL,
    state {text} NOT NULL,
    -- Good questions, those answered so far, and what the answers held.
    questions BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    found BIGINT NOT NULL,
    doses BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    -- The last line that is answered.
    upto_line BIGINT NOT NULL,
    refusal {text},
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    created_at BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    worker {bytes},
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (municipality, id)
) {clustered};
CREATE INDEX inquiry_file_at_work ON inquiry_file (leased_until) WHERE state = 'asking';

-- The questions of a file, without the numbers: lookup leads to the person. Gone once they are answered.
CREATE TABLE inquiry_question (
    municipality {text} NOT NULL,
    file {bytes} NOT NULL,
    line BIGINT NOT NULL,
    reference {text} NOT NULL,
    lookup {bytes} NOT NULL,
    birth {text} NOT NULL,
    asked {text},
    PRIMARY KEY (municipality, file, line)
) {clustered};

-- What is to be said about lines of the file, as JSON.
CREATE TABLE inquiry_remark (
    municipality {text} NOT NULL,
    file {bytes} NOT NULL,
    upto_line BIGINT NOT NULL,
    remarks {text} NOT NULL,
    PRIMARY KEY (municipality, file, upto_line)
);

-- The answers, a JSON list for each stretch, until somebody throws them away.
CREATE TABLE inquiry_result (
    municipality {text} NOT NULL,
    file {bytes} NOT NULL,
    upto_line BIGINT NOT NULL,
    answers {text} NOT NULL,
    PRIMARY KEY (municipality, file, upto_line)
);

-- Reports about a dose: of a suspected adverse reaction (副反応疑い報告), of a vaccination error (間違い接種).
CREATE TABLE report (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    -- adverse_reaction, mistake.
    kind {text} NOT NULL,
    -- draft, submitted.
    state {text} NOT NULL,
    dose_id {bytes} NOT NULL,
    -- The venue that drafts it; none if the city does.
    venue {bytes},
    -- The report's own number, given when it is submitted.
    report_no {text},
    -- What was filled in, as JSON, and how often it was saved.
    form {text} NOT NULL,
    revision BIGINT NOT NULL,
    made_by {bytes} NOT NULL,
    made_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    submitted_on {text},
    PRIMARY KEY (municipality, id)
) {clustered};
CREATE INDEX report_of_venue ON report (venue, id) WHERE venue IS NOT NULL;
