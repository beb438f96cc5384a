//! One installation on this machine, every party a process of its own.

pub mod cable;
pub mod key;
pub mod process;
