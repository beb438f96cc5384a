//! How a model is recognised, and what it must prove.

use serde::{Deserialize, Serialize};

use super::{
    Aaguid, CardType, Invalid,
    card_type::{Attestation, SeenCard},
    invalid::check_name,
};
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
    /// When a token of this type becomes ours. A card always by an operation, which
    /// takes its admin key over.
    pub registration: Registration,
    /// What it says of cards; none: the type is of FIDO keys alone.
    #[serde(default)]
    pub card: Option<CardType>,
}

/// What a token tells of itself when it is plugged in.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its model, where it is a FIDO key.
    pub aaguid: Option<[u8; 16]>,
    /// In software.
    pub is_virtual: bool,
    /// Where it is a card.
    pub card: Option<SeenCard<'a>>,
}

impl TokenType {
    /// Checks what can be checked without reading certificates, and the name.
    ///
    /// # Errors
    /// The first field at fault.
    pub fn check(&self, name: &str) -> Result<(), Invalid> {
        check_name("token_type.name", name)?;
        if let Some(card) = &self.card {
            card.check()?;
        }
        let attests = self.card.is_none() || !self.aaguids.is_empty();
        if attests
            && self.attestation_roots.is_empty()
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
        let required = self
            .card
            .as_ref()
            .is_some_and(|card| card.attestation == Attestation::Required);
        let believes =
            !self.attestation_roots.is_empty() || self.trusted_by.contains(&TrustedBy::Truststore);
        if required && !believes {
            return Err(Invalid::new(
                "token_type.card.attestation",
                Attestation::Required,
                "required where attestation_roots has the root of the maker, or trusted_by has \
                 \"truststore\"; else recorded",
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
    pub fn recognises(&self, seen: Seen<'_>) -> bool {
        let model = |aaguid| self.aaguids.is_empty() || self.aaguids.contains(&Aaguid(aaguid));
        let is_card = match (&self.card, seen.card) {
            (None, _) => seen.aaguid.is_some(),
            (Some(wanted), Some(card)) => wanted.recognises(card),
            (Some(_), None) => false,
        };
        (self.allow_virtual || !seen.is_virtual)
            && is_card
            && seen.aaguid.map_or(self.aaguids.is_empty(), model)
    }

    /// Of two types that recognise a token, the one that says more of it wins: that
    /// it is a card, which model it is, which answer to reset it gives.
    #[must_use]
    pub fn precision(&self) -> (bool, bool, bool) {
        let atr = |card: &CardType| !card.atrs.is_empty() || !card.label.is_empty();
        (
            self.card.is_some(),
            !self.aaguids.is_empty(),
            self.card.as_ref().is_some_and(atr),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Applet, Cipher},
        *,
    };

    fn token_type() -> TokenType {
        TokenType {
            aaguids: vec!["00112233-4455-6677-8899-aabbccddeeff".parse().unwrap()],
            attestation_roots: vec![],
            trusted_by: vec![],
            unrooted_attestation: vec![Unrooted::Itself],
            allow_virtual: false,
            registration: Registration::Automatic,
            card: None,
        }
    }

    const KEY: Seen<'_> = Seen {
        aaguid: Some([0; 16]),
        is_virtual: false,
        card: None,
    };

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
        let own = Seen {
            aaguid: Some(token_type().aaguids[0].0),
            ..KEY
        };
        let in_software = |seen| Seen {
            is_virtual: true,
            ..seen
        };
        assert!(token_type().recognises(own));
        assert!(!token_type().recognises(KEY));
        assert!(!token_type().recognises(in_software(own)));
        let any = TokenType {
            aaguids: vec![],
            allow_virtual: true,
            ..token_type()
        };
        assert!(any.recognises(in_software(KEY)));
    }

    #[test]
    fn a_type_of_keys_is_not_for_cards_and_a_type_of_cards_not_for_keys() {
        let piv = Some(SeenCard {
            atr: &[0x3B, 0],
            applets: &[Applet::Piv],
            label: "",
        });
        let card = Seen {
            aaguid: None,
            card: piv,
            ..KEY
        };
        let both = Seen { card: piv, ..KEY };
        let keys = TokenType {
            aaguids: vec![],
            ..token_type()
        };
        let cards = TokenType {
            unrooted_attestation: vec![],
            card: Some(CardType {
                applet: Applet::Piv,
                atrs: vec![],
                label: String::new(),
                admin_cipher: Cipher::Aes256,
                attestation: Attestation::Recorded,
            }),
            ..keys.clone()
        };
        cards.check("cards").unwrap();
        let named = TokenType {
            aaguids: vec![Aaguid([0; 16])],
            ..cards.clone()
        };
        let mut required = cards.clone();
        if let Some(card) = &mut required.card {
            card.attestation = Attestation::Required;
        }
        let refused = required.check("cards").unwrap_err();
        assert_eq!(refused.field, "token_type.card.attestation");
        required.trusted_by = vec![TrustedBy::Truststore];
        required.check("cards").unwrap();
        // A key that is a card too attests.
        assert!(named.check("both").is_err());
        for (seen, by) in [
            (KEY, [true, false, false]),
            (card, [false, true, false]),
            (both, [true, true, true]),
        ] {
            assert_eq!([&keys, &cards, &named].map(|t| t.recognises(seen)), by);
        }
        assert!(named.precision() > cards.precision());
        assert!(cards.precision() > keys.precision());
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
