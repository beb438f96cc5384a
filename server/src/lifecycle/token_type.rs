//! How a model is recognised, and what it must prove.

use serde::{Deserialize, Serialize};

use super::{Aaguid, Invalid, invalid::check_name};
use crate::store::words;

words! {
    /// An attestation without a path to a root, accepted where a token type says so.
    Unrooted {
        /// `none`: nothing is proved.
        None = "none",
        /// `packed` signed by the credential itself.
        Itself = "self",
    }
}

words! {
    /// Whom the server's settings name, and a token type may trust.
    TrustedBy {
        /// Roots for every token type.
        Truststore = "truststore",
        /// The FIDO metadata: roots of each model, and which of them were broken.
        Metadata = "metadata",
    }
}

words! {
    /// When a token of this type becomes ours.
    Registration {
        /// When it is first seen.
        Automatic = "automatic",
        /// When an operator says so.
        Manual = "manual",
    }
}

/// A token type, as stored. Its name stands beside it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenType {
    /// Any of these, 8-4-4-4-12; empty: every model.
    pub aaguids: Vec<Aaguid>,
    /// PEM certificates; the attestation path must end in one.
    pub attestation_roots: Vec<String>,
    /// Beside them.
    #[serde(default)]
    pub trusted_by: Vec<TrustedBy>,
    /// Accepted without a root.
    pub unrooted_attestation: Vec<Unrooted>,
    /// Tokens in software too.
    pub allow_virtual: bool,
    /// When a token of this type becomes ours.
    pub registration: Registration,
}

impl TokenType {
    /// Checks what can be checked without reading certificates, and the name.
    ///
    /// # Errors
    /// The first field at fault.
    pub fn check(&self, name: &str) -> Result<(), Invalid> {
        check_name("token_type.name", name)?;
        if self.attestation_roots.is_empty()
            && self.trusted_by.is_empty()
            && self.unrooted_attestation.is_empty()
        {
            return Err(Invalid::new(
                "token_type.attestation_roots",
                "empty",
                "one PEM certificate or more, unless trusted_by has \"truststore\" or \"metadata\", \
                 or unrooted_attestation has \"none\" or \"self\"",
            ));
        }
        for root in &self.attestation_roots {
            if !root.contains("-----BEGIN CERTIFICATE-----") {
                let start: String = root.chars().take(30).collect();
                return Err(Invalid::new(
                    "token_type.attestation_roots",
                    format_args!("{start:?}"),
                    "PEM certificates (-----BEGIN CERTIFICATE-----)",
                ));
            }
        }
        Ok(())
    }

    /// Whether a token is of this type.
    #[must_use]
    pub fn recognises(&self, aaguid: [u8; 16], is_virtual: bool) -> bool {
        (self.allow_virtual || !is_virtual)
            && (self.aaguids.is_empty() || self.aaguids.contains(&Aaguid(aaguid)))
    }

    /// Of two types that recognise a token, the one that names its model wins.
    #[must_use]
    pub fn names_models(&self) -> bool {
        !self.aaguids.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_type() -> TokenType {
        TokenType {
            aaguids: vec!["00112233-4455-6677-8899-aabbccddeeff".parse().unwrap()],
            attestation_roots: vec![],
            trusted_by: vec![],
            unrooted_attestation: vec![Unrooted::Itself],
            allow_virtual: false,
            registration: Registration::Automatic,
        }
    }

    #[test]
    fn a_type_without_any_accepted_proof_is_refused() {
        token_type().check("key").unwrap();
        let mut nothing = token_type();
        nothing.unrooted_attestation.clear();
        assert_eq!(
            nothing.check("key").unwrap_err().field,
            "token_type.attestation_roots"
        );
        nothing.trusted_by = vec![TrustedBy::Metadata];
        nothing.check("key").unwrap();
        nothing.attestation_roots = vec!["MIIC".into()];
        assert!(nothing.check("key").is_err());
        assert_eq!(token_type().check("").unwrap_err().field, "token_type.name");
    }

    #[test]
    fn a_token_is_recognised_by_model_and_a_virtual_one_only_where_allowed() {
        let aaguid = token_type().aaguids[0].0;
        assert!(token_type().recognises(aaguid, false));
        assert!(!token_type().recognises([0; 16], false));
        assert!(!token_type().recognises(aaguid, true));
        let any = TokenType {
            aaguids: vec![],
            allow_virtual: true,
            ..token_type()
        };
        assert!(any.recognises([0; 16], true));
    }

    #[test]
    fn a_definition_from_before_other_sources_of_trust_still_reads() {
        let mut stored = serde_json::to_value(token_type()).unwrap();
        stored.as_object_mut().unwrap().remove("trusted_by");
        let read: TokenType = serde_json::from_value(stored).unwrap();
        assert_eq!(read, token_type());
    }

    #[test]
    fn a_definition_survives_the_database() {
        let text = serde_json::to_string(&token_type()).unwrap();
        assert!(
            text.contains("00112233-4455-6677-8899-aabbccddeeff"),
            "{text}"
        );
        assert_eq!(
            serde_json::from_str::<TokenType>(&text).unwrap(),
            token_type()
        );
    }
}
