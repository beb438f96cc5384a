//! The uplinks of agents: accept, registry, calls, events.
