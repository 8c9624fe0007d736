-- A file of venues asks of each new one whether its city has one of that name already.
CREATE INDEX organisation_by_name ON organisation (municipality, name);
-- What is taken back must not be anybody's supplier, and nobody's code.
CREATE INDEX venue_section_of_source ON venue_section (told, venue) WHERE section = 'source';
CREATE INDEX venue_own_code_of_venue ON venue_own_code (venue);
