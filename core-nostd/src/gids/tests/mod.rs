mod authentication;
mod commands;
mod files;
