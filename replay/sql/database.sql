-- name: settled
-- No packing of texts by a random sample: the same rows give the same bytes.
SET disabled_compression_methods = 'fsst'

-- name: attach
-- A new file in the format of DuckDB 1.0, which any later one reads; small blocks, since most tables are small.
ATTACH '{path}' AS release (STORAGE_VERSION 'v1.0.0', BLOCK_SIZE 16384)

-- name: schema
-- A schema for the tables of one folder.
CREATE SCHEMA IF NOT EXISTS release."{schema}"

-- name: table
-- A table with the rows of a Parquet file, in their order.
CREATE TABLE release."{schema}"."{table}" AS SELECT * FROM read_parquet('{path}')

-- name: write
-- Everything into the file itself.
CHECKPOINT release

-- name: detach
-- The file is whole.
DETACH release
