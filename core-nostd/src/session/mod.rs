//! Blocking flows over a transport: what an administrator does to a key.
