-- The login that owns the ledger, and the right of its worker to see what a standby has on disk. Run once, by Patroni.
\getenv given CASELEDGER_PASSWORD
CREATE ROLE caseledger LOGIN CREATEROLE PASSWORD :'given';
CREATE ROLE caseledger_worker NOLOGIN ADMIN caseledger;
GRANT pg_read_all_stats TO caseledger_worker;
CREATE DATABASE caseledger OWNER caseledger TEMPLATE template0;
