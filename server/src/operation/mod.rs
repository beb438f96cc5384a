//! Durable units of work, made of steps.
