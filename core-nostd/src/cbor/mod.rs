//! CBOR as CTAP2 uses it: a canonical writer and a bounded, tolerant reader.
