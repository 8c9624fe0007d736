-- Every index is a page more for each dose. The ledger itself lists the records in their order.
DROP INDEX dose_by_seq;
-- In the order in which the work list is read; few records are in it.
DROP INDEX dose_to_check;
CREATE INDEX dose_to_check ON dose (municipality, seq, severity) WHERE severity >= 1;
