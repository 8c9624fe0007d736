-- The key pair to which tablets seal a queue that leaves them as a file. One for all servers of a database, made when
-- the first tablet asks and never changed: a file may be handed in long after it was saved. Who reads this table reads
-- the records of such files in the ledger as well; what it protects is the file on its way.
CREATE TABLE queue_key (
    slot BIGINT NOT NULL PRIMARY KEY CHECK (slot = 1),
    private_key {bytes} NOT NULL,
    made_at BIGINT NOT NULL
);
