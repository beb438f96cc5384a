//! Outside systems: a trait per kind, a file per vendor.
