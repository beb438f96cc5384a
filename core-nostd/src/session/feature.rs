//! What a flow needs, and a token may lack.

use super::Extension;
use crate::pin_protocol::PinProtocol;
use core::fmt;

/// What a token may lack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Feature {
    /// `clientPin`
    ClientPin,
    /// A PIN/UV auth protocol that we speak.
    PinProtocol,
    /// A PIN for makeCredential and getAssertion:
    /// `noMcGaPermissionsWithClientPin` is true.
    PinForCredentials,
    /// `credMgmt` and `credentialMgmtPreview`
    CredentialManagement,
    /// updateUserInformation; the preview has none.
    UpdateUserInformation,
    /// `authnrCfg`, or this subcommand of it
    AuthenticatorConfig,
    /// `setMinPINLength`
    SetMinPinLength,
    /// pinComplexityPolicy
    PinComplexityPolicy,
    /// A vendor's command of authenticatorConfig.
    VendorPrototype,
    /// `ep`
    EnterpriseAttestation,
    /// `ep` is there, and off.
    EnterpriseAttestationSwitchedOn,
    /// `alwaysUv`
    AlwaysUv,
    /// `alwaysUv` is on, for good.
    AlwaysUvOff,
    /// longTouchForReset
    LongTouchForReset,
    /// `uv`
    UserVerification,
    /// `uvBioEnroll`
    UserVerificationForFingerprints,
    /// `uvAcfg`
    UserVerificationForConfiguration,
    /// `perCredMgmtRO`
    PersistentToken,
    /// `bioEnroll` and `userVerificationMgmtPreview`
    Fingerprints,
    /// `largeBlobs`
    LargeBlobs,
    /// An extension
    Extension(Extension),
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientPin => "the token takes no PIN",
            Self::PinProtocol => {
                let [one, two] = [PinProtocol::One, PinProtocol::Two].map(PinProtocol::id);
                return write!(f, "the token speaks neither PIN protocol {one} nor {two}");
            }
            Self::PinForCredentials => {
                "the token takes no PIN for credentials, only its own user verification"
            }
            Self::CredentialManagement => "the token cannot list or delete credentials",
            Self::UpdateUserInformation => "the token cannot change the user of a credential",
            Self::AuthenticatorConfig => "the token cannot be configured in this way",
            Self::SetMinPinLength => "the token has no settable minimum PIN length",
            Self::PinComplexityPolicy => "the token has no PIN complexity policy to switch on",
            Self::VendorPrototype => "the token does not list this vendor command",
            Self::EnterpriseAttestation => "the token has no enterprise attestation",
            Self::EnterpriseAttestationSwitchedOn => {
                "enterprise attestation is switched off on the token; switch it on first"
            }
            Self::AlwaysUv => "the token cannot always ask for user verification",
            Self::AlwaysUvOff => "the token always verifies its user, and lets nobody change that",
            Self::LongTouchForReset => "the token cannot ask for a long touch before a reset",
            Self::UserVerification => "the token cannot verify its user itself; use its PIN",
            Self::UserVerificationForFingerprints => "the token wants its PIN for fingerprints",
            Self::UserVerificationForConfiguration => "the token wants its PIN to be configured",
            Self::PersistentToken => {
                "the token gives no lasting access to its list of credentials; use its PIN each time"
            }
            Self::Fingerprints => "the token has no fingerprint sensor",
            Self::LargeBlobs => "the token stores no large blobs",
            Self::Extension(extension) => {
                return write!(f, "the token does not have the extension {}", extension.identifier());
            }
        })
    }
}
