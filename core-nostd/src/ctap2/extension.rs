//! Extensions, by their place: what goes into makeCredential and getAssertion, and what comes
//! back in the authenticator data. CTAP 2.3 §12.
