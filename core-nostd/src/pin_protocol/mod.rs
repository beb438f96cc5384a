//! PIN/UV auth protocols one and two, both halves. CTAP 2.3 §6.5.6 and §6.5.7.
