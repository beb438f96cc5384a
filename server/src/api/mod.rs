//! The public gRPC surface: converts, authorises, calls the room that decides.
