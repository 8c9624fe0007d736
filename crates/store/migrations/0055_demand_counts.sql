-- How many people of a city need a dose of a product by a day (接種見込み), counted stretch by stretch. What was
-- counted before stands in drawn_figure until the count has come to its end.
CREATE TABLE demand_count (
    municipality {text} NOT NULL,
    id {bytes} NOT NULL,
    product {text} NOT NULL,
    by_day {text} NOT NULL,
    state {text} NOT NULL,
    -- The last person that was looked at.
    position {text} NOT NULL,
    people BIGINT NOT NULL,
    due BIGINT NOT NULL,
    worker {bytes},
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (municipality, id)
) {clustered};
CREATE UNIQUE INDEX demand_count_of_product ON demand_count (municipality, product);
CREATE INDEX demand_count_at_work ON demand_count (leased_until) WHERE state = 'counting';
