//! What a token proves about itself: formats, paths, trust. WebAuthn Level 3 section 8.
