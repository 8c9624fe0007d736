-- Which wholesaler or maker delivers a product to the venues of a city (地域担当卸). A row is what holds from then on;
-- the last one holds.
CREATE TABLE supplier_in_charge (
    municipality {text} NOT NULL,
    product {text} NOT NULL,
    revision BIGINT NOT NULL,
    supplier {bytes} NOT NULL,
    at_micros BIGINT NOT NULL,
    by_user {bytes} NOT NULL,
    PRIMARY KEY (municipality, product, revision)
) {clustered};

-- The cycle whose allocation an order follows; none where a city ordered by itself.
ALTER TABLE vial_order ADD COLUMN cycle {bytes};
CREATE UNIQUE INDEX vial_order_of_cycle ON vial_order (cycle, venue) WHERE cycle IS NOT NULL;
CREATE INDEX vial_order_of_city ON vial_order (municipality, at_micros, number);
