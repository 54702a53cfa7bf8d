"""What proves the ledger to a stranger: tiles, signed checkpoints, cosignatures, time stamps, proofs (C2SP)."""
