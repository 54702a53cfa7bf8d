-- The index by which people are found: keyed digests of names and numbers, outside the ledger, made anew at will.
-- Its key lies in the key store. Digests and key together are as good as the numbers: docs/search.md.

CREATE SCHEMA search;

-- Which key the digests are made with, and how far in the ledger they go.
CREATE TABLE search.progress (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key      uuid    NOT NULL,  -- id in the key store
    retired  uuid,              -- the key before it, until that is destroyed
    position bigint  NOT NULL CHECK (position >= 0)
);

-- HMAC-SHA-256 of what a person can be found by. People of one name share a digest: how common a name is can be seen.
CREATE TABLE search.token (
    token  bytea NOT NULL CHECK (length(token) = 32),
    person uuid  NOT NULL,
    kind   text  NOT NULL,
    PRIMARY KEY (token, person, kind)
);
CREATE INDEX token_of_person ON search.token (person);

-- Which cases a person is or was in.
CREATE TABLE search.membership (
    person uuid NOT NULL,
    "case" uuid NOT NULL,
    PRIMARY KEY (person, "case")
);

GRANT USAGE ON SCHEMA search TO caseledger_app;
GRANT SELECT, INSERT, UPDATE ON search.progress TO caseledger_app;
GRANT SELECT, INSERT, DELETE, TRUNCATE ON search.token, search.membership TO caseledger_app;
