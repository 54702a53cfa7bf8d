-- Who is signed in to the pages: state that may be lost or removed at any time, no part of the ledger.

CREATE SCHEMA sign_in;

-- One row per browser. The cookie's 32 random bytes are not kept, only their digest.
CREATE TABLE sign_in.session (
    key          bytea       NOT NULL CONSTRAINT session_key PRIMARY KEY CHECK (length(key) = 32),
    staff        text        NOT NULL,
    roles        text[]      NOT NULL CHECK (cardinality(roles) > 0),
    organisation text,
    purpose      text,       -- NULL until the person has chosen one
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz NOT NULL
);

GRANT USAGE ON SCHEMA sign_in TO caseledger_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in.session TO caseledger_app;
