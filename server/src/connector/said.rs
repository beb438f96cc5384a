//! What a peer said, as text that is safe to store and to show.

use super::ApiKey;
use std::fmt;

/// What a peer wrote, in an answer or as one: kept as text, printable, short,
/// without our API key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Said(String);

/// Characters kept.
const LONGEST: usize = 300;

impl Said {
    pub(super) fn new(body: &[u8], key: &ApiKey) -> Self {
        // The key is taken out before the cut, which could leave half of it.
        Self::cut(&key.redact(&String::from_utf8_lossy(body)))
    }

    /// The words of a peer that was told no secret.
    pub(super) fn plain(body: &[u8]) -> Self {
        Self::cut(&String::from_utf8_lossy(body))
    }

    fn cut(text: &str) -> Self {
        let mut printable = text.trim().chars().map(|c| {
            // Neither control characters nor those that turn the direction of
            // writing: the text ends in logs, tables and terminals.
            if c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '.'
            }
        });
        let mut said: String = printable.by_ref().take(LONGEST).collect();
        if printable.next().is_some() {
            said.push_str("...");
        }
        Self(said)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("nothing")
        } else {
            write!(f, "\"{}\"", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &[u8]) -> String {
        Said::new(body, &ApiKey::parse("s3cr3t").unwrap()).0
    }

    #[test]
    fn only_printable_characters_survive() {
        assert_eq!(said(b"\x1b[31mred\r\n"), ".[31mred");
        assert_eq!(said("left\u{202E}right".as_bytes()), "left.right");
        assert_eq!(said(b"\xFF\xFE"), "..");
        assert_eq!(said("größer".as_bytes()), "größer");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(said(&[b'a'; LONGEST]), "a".repeat(LONGEST));
        assert_eq!(said(&[b'a'; LONGEST + 1]), "a".repeat(LONGEST) + "...");
    }

    #[test]
    fn an_api_key_that_comes_back_is_taken_out_even_at_the_cut() {
        assert_eq!(said(b"key s3cr3t is wrong"), "key [api key] is wrong");
        let body = "x".repeat(LONGEST - 3) + "s3cr3t";
        assert!(!said(body.as_bytes()).contains("s3c"), "{body}");
    }
}
