//! PIN/UV auth protocols one and two. CTAP 2.3 §6.5.6, §6.5.7.
