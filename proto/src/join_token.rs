//! The string a person carries to a machine so that it can enrol.
//!
//! ```text
//! ksj1 . secret (32 bytes, base64url) . SHA-256 of the server's root certificate (base64url)
//! ```
//! The second half lets the very first connection know the server; only the
//! first half is sent, and the server keeps a hash of it.

use core::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

/// A join token. Printed, it shows the root's hash alone.
#[derive(Clone, ZeroizeOnDrop)]
pub struct JoinToken {
    secret: [u8; 32],
    #[zeroize(skip)]
    root_sha256: [u8; 32],
}

impl JoinToken {
    /// Of its two halves.
    #[must_use]
    pub fn new(secret: [u8; 32], root_sha256: [u8; 32]) -> Self {
        Self {
            secret,
            root_sha256,
        }
    }

    /// Reads what [`encode`](Self::encode) wrote; white space around it is skipped.
    ///
    /// # Errors
    /// Says which half is wrong, never what was found in the secret one.
    pub fn parse(text: &str) -> Result<Self, InvalidJoinToken> {
        let mut parts = text.trim().split('.');
        if parts.next() != Some(PREFIX) {
            return Err(InvalidJoinToken::Prefix);
        }
        let (Some(secret), Some(root), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidJoinToken::Parts);
        };
        Ok(Self {
            secret: parse_secret(secret).ok_or(InvalidJoinToken::Secret)?,
            root_sha256: decode(root).ok_or(InvalidJoinToken::Root)?,
        })
    }

    /// The string to carry.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<String> {
        let secret = self.secret_text();
        Zeroizing::new(format!(
            "{PREFIX}.{}.{}",
            *secret,
            URL_SAFE_NO_PAD.encode(self.root_sha256)
        ))
    }

    /// The half that is sent, as `EnrolRequest.join_token`.
    #[must_use]
    pub fn secret_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// SHA-256 of the DER of the root certificate to trust for the first connection.
    #[must_use]
    pub fn root_sha256(&self) -> &[u8; 32] {
        &self.root_sha256
    }
}

/// The secret of an `EnrolRequest.join_token`.
#[must_use]
pub fn parse_secret(text: &str) -> Option<[u8; 32]> {
    decode(text)
}

/// No `Debug` of a secret.
impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken")
            .field("secret", &"<hidden>")
            .field("root_sha256", &URL_SAFE_NO_PAD.encode(self.root_sha256))
            .finish()
    }
}

/// What is wrong with a join token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidJoinToken {
    /// It is something else.
    Prefix,
    /// Part of it is missing, or there is more.
    Parts,
    /// The first half is damaged.
    Secret,
    /// The second half is damaged.
    Root,
}

impl fmt::Display for InvalidJoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prefix => "not a join token: it starts with ksj1.",
            Self::Parts => "not a whole join token: it has two parts after ksj1.",
            Self::Secret => "the join token's first part is damaged: copy it again",
            Self::Root => "the join token's second part is damaged: copy it again",
        })
    }
}

impl core::error::Error for InvalidJoinToken {}

fn decode(text: &str) -> Option<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 33]);
    let length = URL_SAFE_NO_PAD
        .decode_slice(text, bytes.as_mut_slice())
        .ok()?;
    let mut found = [0; 32];
    let decoded = bytes.get(..length)?;
    if decoded.len() != found.len() {
        found.zeroize();
        return None;
    }
    found.copy_from_slice(decoded);
    Some(found)
}

const PREFIX: &str = "ksj1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_token_survives_a_round_trip() {
        let token = JoinToken::new([7; 32], [9; 32]);
        let read = JoinToken::parse(&format!(" {}\n", *token.encode())).unwrap();
        assert_eq!(read.secret, [7; 32]);
        assert_eq!(read.root_sha256(), &[9; 32]);
        assert_eq!(parse_secret(&read.secret_text()), Some([7; 32]));
    }

    #[test]
    fn a_printed_join_token_does_not_show_its_secret() {
        let token = JoinToken::new([7; 32], [9; 32]);
        let printed = format!("{token:?}");
        assert!(!printed.contains(&*token.secret_text()), "{printed}");
        assert!(!printed.contains("7, 7"), "{printed}");
    }

    #[test]
    fn a_damaged_join_token_says_what_is_wrong_with_it() {
        let whole = JoinToken::new([7; 32], [9; 32]).encode();
        let (head, root) = whole.rsplit_once('.').unwrap();
        let (prefix, secret) = head.split_once('.').unwrap();
        for (text, why) in [
            (String::new(), InvalidJoinToken::Prefix),
            (format!("ksk1.{secret}.{root}"), InvalidJoinToken::Prefix),
            (head.to_owned(), InvalidJoinToken::Parts),
            (format!("{}.more", *whole), InvalidJoinToken::Parts),
            (
                format!("{prefix}.{}.{root}", &secret[1..]),
                InvalidJoinToken::Secret,
            ),
            (
                format!("{prefix}.{secret}AAAA.{root}"),
                InvalidJoinToken::Secret,
            ),
            (
                format!("{prefix}.{secret}.{}", &root[..40]),
                InvalidJoinToken::Root,
            ),
            (
                format!("{prefix}.{secret}.!{}", &root[1..]),
                InvalidJoinToken::Root,
            ),
        ] {
            assert_eq!(JoinToken::parse(&text).unwrap_err(), why, "{text}");
        }
    }
}
