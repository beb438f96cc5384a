//! CTAPHID framing, both roles, without I/O. CTAP 2.3 §11.2.
