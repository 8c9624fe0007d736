-- Which state of a giver's draft is kept: whoever keeps another says which one they saw.
ALTER TABLE allocation_draft ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
