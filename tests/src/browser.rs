//! A person at a browser.
