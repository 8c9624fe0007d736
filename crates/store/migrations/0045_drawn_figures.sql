-- Figures of places below a giver as Sesshu's own books had them at a moment: of the same product as those stated by
-- hand, which go before them.
CREATE TABLE drawn_figure (
    place {text} NOT NULL,
    product {text} NOT NULL,
    figure {text} NOT NULL,
    value BIGINT NOT NULL,
    at_micros BIGINT NOT NULL,
    PRIMARY KEY (place, product, figure)
) {clustered};

-- Where a figure that was stated by hand comes from, or why it differs from Sesshu's own.
ALTER TABLE allocation_figure ADD COLUMN reason {text} NOT NULL DEFAULT '';
