//! Secrets at rest: sealed under a master key that is not in the database.
