-- What proves the ledger to strangers, made from the events beside the append and asked by none: the tree in tiles,
-- signed checkpoints, cosignatures of witnesses, time stamps.
CREATE SCHEMA proof;

-- The hashes of the tree in rows of at most 256 (c2sp.org/tlog-tiles): leaf hashes at level 0, above them the roots of
-- full rows below. A row grows until it is full and never changes otherwise.
CREATE TABLE proof.tile (
    level  smallint NOT NULL CHECK (level BETWEEN 0 AND 63),
    number bigint   NOT NULL CHECK (number >= 0),
    hashes bytea    NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    CONSTRAINT tile_place PRIMARY KEY (level, number)
);
-- Hashes do not compress: do not try.
ALTER TABLE proof.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Checkpoints as the log signed them, byte for byte. One for a size: two roots are impossible by mistake.
CREATE TABLE proof.checkpoint (
    size      bigint      NOT NULL CONSTRAINT checkpoint_size PRIMARY KEY CHECK (size > 0),
    root      bytea       NOT NULL CHECK (length(root) = 32),
    note      text        NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The keys the log signs with. The first ones are trusted because they are published elsewhere; each later one is
-- announced by an event (key_rotated) that a checkpoint signed by the keys before it holds.
CREATE TABLE proof.key (
    vkey      text   NOT NULL CONSTRAINT key_text PRIMARY KEY,
    announced bigint -- position of the event; NULL for the first keys
);

-- What witnesses signed of them: one signature line each time a witness was asked.
CREATE TABLE proof.cosignature (
    size        bigint      NOT NULL REFERENCES proof.checkpoint,
    witness     text        NOT NULL,
    key_id      bytea       NOT NULL CHECK (length(key_id) = 4),
    cosigned_at timestamptz NOT NULL,
    line        text        NOT NULL,
    CONSTRAINT cosignature_time PRIMARY KEY (size, witness, key_id, cosigned_at)
);

-- Answers of a time-stamp authority (RFC 3161, TimeStampResp in DER) over the text of a checkpoint.
CREATE TABLE proof.stamp (
    size       bigint      NOT NULL REFERENCES proof.checkpoint,
    stamped_at timestamptz NOT NULL,
    token      bytea       NOT NULL,
    CONSTRAINT stamp_time PRIMARY KEY (size, stamped_at)
);

CREATE TRIGGER tile_only_grows BEFORE UPDATE ON proof.tile
    FOR EACH ROW WHEN (NEW.level <> OLD.level OR NEW.number <> OLD.number
        OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes)
    EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER tile_is_kept BEFORE DELETE ON proof.tile
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER tile_is_never_emptied BEFORE TRUNCATE ON proof.tile
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER checkpoint_is_immutable BEFORE UPDATE OR DELETE ON proof.checkpoint
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER checkpoint_is_never_emptied BEFORE TRUNCATE ON proof.checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER key_is_immutable BEFORE UPDATE OR DELETE ON proof.key
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER key_is_never_emptied BEFORE TRUNCATE ON proof.key
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER cosignature_is_immutable BEFORE UPDATE OR DELETE ON proof.cosignature
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER cosignature_is_never_emptied BEFORE TRUNCATE ON proof.cosignature
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER stamp_is_immutable BEFORE UPDATE OR DELETE ON proof.stamp
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER stamp_is_never_emptied BEFORE TRUNCATE ON proof.stamp
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

GRANT USAGE ON SCHEMA proof TO caseledger_app, caseledger_worker, caseledger_auditor, caseledger_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA proof TO caseledger_app, caseledger_worker, caseledger_auditor, caseledger_reader;
GRANT INSERT ON ALL TABLES IN SCHEMA proof TO caseledger_worker;
GRANT UPDATE (hashes) ON proof.tile TO caseledger_worker;
