//! What CTAP2 messages carry for the relying party. WebAuthn Level 3 §6.
