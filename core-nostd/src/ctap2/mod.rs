//! The messages of CTAP2, a file per command. CTAP 2.3 §6.
