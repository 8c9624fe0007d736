-- What was stated by hand of a place's figures (配分数値). A row is a word and is never changed: the last one holds, one
-- without a value takes the figure back. The number goes up over all words about a product, so that whoever looked at a
-- page can say up to which word they saw.
CREATE TABLE stated_figure (
    place {text} NOT NULL,
    product {text} NOT NULL,
    figure {text} NOT NULL,
    number BIGINT NOT NULL,
    value BIGINT,
    reason {text} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (place, product, figure, number)
) {clustered};
CREATE UNIQUE INDEX stated_figure_by_number ON stated_figure (product, number);
INSERT INTO stated_figure (place, product, figure, number, value, reason, at_micros, by_user)
SELECT place, product, figure, ROW_NUMBER() OVER (PARTITION BY product ORDER BY at_micros, place, figure),
       value, reason, at_micros, by_user
FROM allocation_figure;
DROP TABLE allocation_figure;
