//! What issuing means.

use serde::{Deserialize, Serialize};

use super::{Aaguid, CardSection, Invalid, PinPolicy, invalid::check_name};
use crate::store::TokenTypeId;

/// A template, as stored. Its name and connection stand beside it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Which token types may be issued with it.
    pub token_types: Vec<TokenTypeId>,
    /// Discoverable credentials (rk).
    pub resident_key: bool,
    /// How the credential is called at the IdP, with [`PLACEHOLDERS`] replaced.
    pub display_name: String,
    /// About PINs.
    pub pin: PinPolicy,
    /// Demand enterprise attestation: it names the one device.
    pub enterprise_attestation: bool,
    /// alwaysUv; left as it is where absent.
    pub always_uv: Option<bool>,
    /// 0 none, 1 to 3 as in the credProtect extension.
    pub cred_protect: u8,
    /// COSE numbers, best first.
    pub algorithms: Vec<i32>,
    /// Revoking deletes the authenticator at the IdP; else it is suspended there.
    pub delete_at_idp: bool,
    /// Models that may be issued with it; empty: every one of its token types.
    #[serde(default)]
    pub allowed_aaguids: Vec<Aaguid>,
    /// Models that may not.
    #[serde(default)]
    pub blocked_aaguids: Vec<Aaguid>,
    /// What it puts on cards.
    #[serde(default)]
    pub card: Option<CardSection>,
}

/// What the words of a display name are replaced by.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the placeholders")]
pub struct Names<'a> {
    pub user_name: &'a str,
    pub display_name: &'a str,
    pub serial: &'a str,
    pub model: &'a str,
}

impl Template {
    /// Checks every field, and the name it goes by.
    ///
    /// # Errors
    /// The first one at fault.
    pub fn check(&self, name: &str) -> Result<(), Invalid> {
        check_name("template.name", name)?;
        if self.token_types.is_empty() {
            return Err(Invalid::new(
                "template.token_types",
                "empty",
                "one token type or more",
            ));
        }
        if let Some(card) = &self.card {
            card.check()?;
        }
        self.check_display_name()?;
        self.pin.check()?;
        if self.cred_protect > 3 {
            return Err(Invalid::new(
                "template.cred_protect",
                self.cred_protect,
                "0 (none), 1, 2 or 3",
            ));
        }
        for (n, algorithm) in self.algorithms.iter().enumerate() {
            let twice = self.algorithms.iter().skip(n + 1).any(|a| a == algorithm);
            if twice || !ALGORITHMS.contains(algorithm) {
                return Err(Invalid::new(
                    "template.algorithms",
                    algorithm,
                    "-7 (ES256) and -8 (EdDSA), each once",
                ));
            }
        }
        if let Some(both) = self
            .allowed_aaguids
            .iter()
            .find(|aaguid| self.blocked_aaguids.contains(aaguid))
        {
            return Err(Invalid::new(
                "template.blocked_aaguids",
                both,
                "models that allowed_aaguids does not name too",
            ));
        }
        if self.algorithms.is_empty() {
            return Err(Invalid::new(
                "template.algorithms",
                "empty",
                "-7 (ES256) and -8 (EdDSA), each once",
            ));
        }
        Ok(())
    }

    /// Whether keys of the model may be issued with it.
    #[must_use]
    pub fn allows(&self, aaguid: [u8; 16]) -> bool {
        let aaguid = Aaguid(aaguid);
        (self.allowed_aaguids.is_empty() || self.allowed_aaguids.contains(&aaguid))
            && !self.blocked_aaguids.contains(&aaguid)
    }

    /// The display name for one token and user, cut to what a token keeps whole.
    #[must_use]
    pub fn display_name(&self, names: Names<'_>) -> String {
        let mut text = String::new();
        let mut rest = self.display_name.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((word, after)) = after.split_once('}') else {
                break;
            };
            text.push_str(match word {
                "user_name" => names.user_name,
                "display_name" => names.display_name,
                "serial" => names.serial,
                _ => names.model,
            });
            rest = after;
        }
        text.push_str(rest);
        let end = (0..=MAX_NAME)
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or(0);
        text.truncate(end);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return names.model.chars().take(16).collect();
        }
        trimmed.to_owned()
    }

    fn check_display_name(&self) -> Result<(), Invalid> {
        let allowed = || {
            format!(
                "1 to 64 characters, with {} replaced",
                PLACEHOLDERS.map(|word| format!("{{{word}}}")).join(" ")
            )
        };
        let refused = |found: &str| {
            Invalid::new(
                "template.display_name",
                format_args!("{found:?}"),
                allowed(),
            )
        };
        let text = self.display_name.as_str();
        check_name("template.display_name", text).map_err(|_| refused(text))?;
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (_, from) = rest.split_at(at);
            let word = from
                .strip_prefix('{')
                .and_then(|inner| inner.split_once('}'));
            match word {
                Some((word, after)) if PLACEHOLDERS.contains(&word) => rest = after,
                Some((word, _)) => return Err(refused(word)),
                None => return Err(refused(from)),
            }
        }
        Ok(())
    }
}

/// What a display name may mention.
pub const PLACEHOLDERS: [&str; 4] = ["user_name", "display_name", "serial", "model"];

/// ES256 and EdDSA: what keys have and identity providers take.
pub const ALGORITHMS: [i32; 2] = [-7, -8];

/// Bytes. CTAP 2.3 section 6.1.2: a token may cut a name, but not below 64.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::{
        super::{Alphabet, Custody},
        *,
    };

    fn template() -> Template {
        Template {
            token_types: vec![TokenTypeId::new()],
            resident_key: true,
            display_name: "{model} of {user_name}".into(),
            pin: PinPolicy {
                length: 6,
                alphabet: Alphabet::Digits,
                custody: Custody::Escrow,
                minimum_length: 0,
                force_change: false,
            },
            enterprise_attestation: false,
            always_uv: None,
            cred_protect: 0,
            algorithms: vec![-7],
            delete_at_idp: true,
            allowed_aaguids: vec![],
            blocked_aaguids: vec![],
            card: None,
        }
    }

    const NAMES: Names<'_> = Names {
        user_name: "alice",
        display_name: "Alice",
        serial: "",
        model: "Key {serial}",
    };

    #[test]
    fn a_wrong_field_is_named() {
        template().check("office").unwrap();
        type Spoil = fn(&mut Template);
        let cases: [(Spoil, &str); 11] = [
            (|t| t.token_types.clear(), "template.token_types"),
            (|t| t.display_name.clear(), "template.display_name"),
            (
                |t| t.display_name = "{user}".into(),
                "template.display_name",
            ),
            (
                |t| t.display_name = "{user_name".into(),
                "template.display_name",
            ),
            (|t| t.display_name = "a } b".into(), "template.display_name"),
            (|t| t.display_name = "x".repeat(65), "template.display_name"),
            (|t| t.pin.length = 1, "template.pin.length"),
            (|t| t.cred_protect = 4, "template.cred_protect"),
            (|t| t.algorithms = vec![-257], "template.algorithms"),
            (|t| t.algorithms = vec![-7, -7], "template.algorithms"),
            (
                |t| {
                    t.allowed_aaguids = vec![Aaguid([1; 16])];
                    t.blocked_aaguids = vec![Aaguid([2; 16]), Aaguid([1; 16])];
                },
                "template.blocked_aaguids",
            ),
        ];
        for (spoil, field) in cases {
            let mut template = template();
            spoil(&mut template);
            assert_eq!(template.check("office").unwrap_err().field, field);
        }
        for name in ["", " office", "a\nb"] {
            assert_eq!(template().check(name).unwrap_err().field, "template.name");
        }
    }

    #[test]
    fn a_model_is_allowed_unless_a_list_says_otherwise() {
        let template = |allowed: &[[u8; 16]], blocked: &[[u8; 16]]| Template {
            allowed_aaguids: allowed.iter().copied().map(Aaguid).collect(),
            blocked_aaguids: blocked.iter().copied().map(Aaguid).collect(),
            ..template()
        };
        assert!(template(&[], &[]).allows([1; 16]));
        assert!(template(&[[1; 16]], &[]).allows([1; 16]));
        assert!(!template(&[[1; 16]], &[]).allows([2; 16]));
        assert!(!template(&[], &[[2; 16]]).allows([2; 16]));
        assert!(!template(&[[2; 16]], &[[2; 16]]).allows([2; 16]));
    }

    #[test]
    fn placeholders_are_replaced_once() {
        assert_eq!(template().display_name(NAMES), "Key {serial} of alice");
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_an_empty_one_is_the_model() {
        let mut template = template();
        template.display_name = "{user_name}".into();
        let long = "ä".repeat(40);
        let cut = template.display_name(Names {
            user_name: &long,
            ..NAMES
        });
        assert_eq!(cut, "ä".repeat(32));
        let odd = format!("x{long}");
        let cut = template.display_name(Names {
            user_name: &odd,
            ..NAMES
        });
        assert_eq!(cut, format!("x{}", "ä".repeat(31)));
        template.display_name = "{serial}".into();
        assert_eq!(template.display_name(NAMES), NAMES.model);
    }
}
