//! The primitives that the PIN protocols and attestation need, behind one trait.
