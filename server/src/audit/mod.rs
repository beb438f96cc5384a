//! The append-only, hash-chained record of what was done, and its verifier.
