//! What `keysteward-server` does, a file per command. Wiring: the one place that knows every room.

pub mod init;
mod publish;
pub mod run;

pub mod status;

#[cfg(test)]
mod tests;
