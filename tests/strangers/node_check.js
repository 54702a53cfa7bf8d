// Runs beside @sigstore/verify: reads cases as JSON, answers for each whether checkpoint and inclusion hold.
const { createPublicKey } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const folder = join(process.argv[2], "node_modules", "@sigstore", "verify", "dist", "tlog");
const { verifyCheckpoint } = require(join(folder, "checkpoint.js"));
const { verifyMerkleInclusion } = require(join(folder, "merkle.js"));
const d = (text) => Buffer.from(text, "base64");

function holds(one) {
  const entry = {
    canonicalizedBody: d(one.entry),
    inclusionProof: { logIndex: String(one.index), hashes: one.proof.map(d), checkpoint: { envelope: one.note } },
  };
  const publicKey = createPublicKey({ key: d(one.spki), format: "der", type: "spki" });
  const log = { logID: d(one.key_id), baseURL: "https://" + one.origin, publicKey };
  try {
    verifyMerkleInclusion(entry, verifyCheckpoint(entry, [log]));
    return true;
  } catch (error) {
    if (error.name !== "VerificationError") throw error;
    return false;
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0)).map(holds)));
