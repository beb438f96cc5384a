//! The one connection to the central server, dialled from here.
