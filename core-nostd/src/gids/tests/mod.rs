mod any_bytes;
mod authentication;
mod commands;
mod files;
