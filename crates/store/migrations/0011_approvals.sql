-- For which changes a city wants a second person (二人承認), as a JSON list of words; a city without a row
-- wants one for repairs alone.
CREATE TABLE approval_wanted (
    municipality {text} NOT NULL PRIMARY KEY,
    matters {text} NOT NULL,
    changed_by {bytes} NOT NULL,
    changed_at BIGINT NOT NULL
) {clustered};

-- What somebody of a city proposed, and what became of it.
CREATE TABLE proposal (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    matter {text} NOT NULL,
    reason {text} NOT NULL,
    state {text} NOT NULL,
    -- Of many records at once: which, as JSON, and the last entry's number when it was proposed.
    scope {text},
    upto_seq BIGINT NOT NULL,
    -- The place, or the entry, up to which the work is done.
    reached BIGINT NOT NULL,
    -- Acts in it; those done; those passed over because a record says something else by now.
    acts BIGINT NOT NULL,
    done BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    -- The repair that it undoes.
    undoes {bytes},
    by_user {bytes} NOT NULL,
    organisation {bytes} NOT NULL,
    made_at BIGINT NOT NULL,
    decided_by {bytes},
    decided_at BIGINT,
    answer {text},
    ended_at BIGINT,
    -- Which server has it in hand, and until when the others leave it alone.
    worker {bytes},
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (municipality, id)
) {clustered};
CREATE INDEX proposal_open ON proposal (municipality, id) WHERE state = 'proposed';
CREATE INDEX proposal_at_work ON proposal (leased_until, id) WHERE state = 'approved' AND ended_at IS NULL;

-- The acts of a proposal that names its records.
CREATE TABLE proposal_act (
    municipality {text} NOT NULL,
    proposal {bytes} NOT NULL,
    place BIGINT NOT NULL,
    act_id {bytes} NOT NULL,
    dose_id {bytes} NOT NULL,
    -- What the record said when it was proposed.
    version {text} NOT NULL,
    change {text} NOT NULL,
    -- The record that is entered in its place.
    new_dose {bytes},
    outcome {text} NOT NULL,
    PRIMARY KEY (municipality, proposal, place)
) {clustered};
CREATE INDEX proposal_act_of_dose ON proposal_act (municipality, dose_id);
CREATE INDEX proposal_act_of_new_dose ON proposal_act (municipality, new_dose) WHERE new_dose IS NOT NULL;

-- Who has taken an item of a work list: 'dose:<id>' or 'session:<venue>:<day>'.
CREATE TABLE work_owner (
    municipality {text} NOT NULL,
    item {text} NOT NULL,
    by_user {bytes} NOT NULL,
    taken_at BIGINT NOT NULL,
    PRIMARY KEY (municipality, item)
) {clustered};
