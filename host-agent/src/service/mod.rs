//! Being a service of the operating system.
