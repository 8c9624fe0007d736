-- Whether the person was protected in any register when looked at from another city: then who looked is not told.
ALTER TABLE access_log ADD COLUMN withheld BIGINT NOT NULL DEFAULT 0;
