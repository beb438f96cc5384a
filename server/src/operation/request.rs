//! What can be asked for.

use core::{fmt, time::Duration};

use zeroize::Zeroizing;

use super::plan::Parameters;
use crate::{
    lifecycle::Applet,
    store::{OperationId, TemplateId, TokenId, UserId, operation::Kind, words},
};

/// A request for an operation.
#[derive(Debug)]
pub struct Request {
    /// Chosen by the caller; asked again, the same operation answers.
    pub id: Option<OperationId>,
    /// What.
    pub ask: Ask,
    /// Rows of one file.
    pub batch: Option<String>,
    /// How long it may wait for a host or token; none: 24 h.
    pub valid_for: Option<Duration>,
}

/// What is asked for.
#[derive(Debug)]
#[allow(
    missing_docs,
    reason = "server.v1.StartOperationRequest, member by member"
)]
pub enum Ask {
    Issue {
        token: TokenId,
        user: UserId,
        template: TemplateId,
    },
    HandOverPin {
        token: TokenId,
        new_pin: Option<GivenPin>,
    },
    Suspend {
        token: TokenId,
    },
    Resume {
        token: TokenId,
    },
    Revoke {
        token: TokenId,
        reason: String,
        pin: Option<GivenPin>,
    },
    SetPin {
        token: TokenId,
        applet: Option<PinOf>,
        current_pin: Option<GivenPin>,
        new_pin: GivenPin,
    },
    ResetToken {
        token: TokenId,
    },
    RegisterCard {
        token: TokenId,
    },
    RenewCertificates {
        token: TokenId,
        containers: Vec<String>,
        pin: Option<GivenPin>,
    },
    ReissueCertificates {
        token: TokenId,
        containers: Vec<String>,
        pin: Option<GivenPin>,
        may_lose_decryption_key: bool,
    },
    UnblockCard {
        token: TokenId,
        new_pin: Option<GivenPin>,
    },
    RotatePuk {
        token: TokenId,
    },
    ChangeAdminKey {
        token: TokenId,
    },
    RefreshCard {
        token: TokenId,
    },
    Retire {
        token: TokenId,
    },
    Unregister {
        token: TokenId,
    },
}

words! {
    /// Which of a token's applets a PIN is of.
    PinOf {
        /// The key's.
        Fido2 = "fido2",
        /// The card's, with that applet.
        Piv = "piv",
        /// The card's, with that applet.
        Gids = "gids",
    }
}

impl PinOf {
    /// That of a card edge.
    #[must_use]
    pub const fn card(applet: Applet) -> Self {
        match applet {
            Applet::Piv => Self::Piv,
            Applet::Gids => Self::Gids,
        }
    }
}

/// A PIN as somebody typed it: not printed, wiped when dropped, sealed before
/// anything else happens to it.
pub struct GivenPin(Zeroizing<String>);

impl GivenPin {
    /// Takes it.
    #[must_use]
    pub fn new(pin: String) -> Self {
        Self(Zeroizing::new(pin))
    }

    /// To check it, and to seal it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GivenPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenPin")
    }
}

impl Ask {
    /// Which kind of operation.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Issue { .. } => Kind::Issue,
            Self::HandOverPin { .. } => Kind::HandOverPin,
            Self::Suspend { .. } => Kind::Suspend,
            Self::Resume { .. } => Kind::Resume,
            Self::Revoke { .. } => Kind::Revoke,
            Self::SetPin { .. } => Kind::SetPin,
            Self::ResetToken { .. } => Kind::ResetToken,
            Self::RegisterCard { .. } => Kind::RegisterCard,
            Self::RenewCertificates { .. } => Kind::RenewCertificates,
            Self::ReissueCertificates { .. } => Kind::ReissueCertificates,
            Self::UnblockCard { .. } => Kind::UnblockCard,
            Self::RotatePuk { .. } => Kind::RotatePuk,
            Self::ChangeAdminKey { .. } => Kind::ChangeAdminKey,
            Self::RefreshCard { .. } => Kind::RefreshCard,
            Self::Retire { .. } => Kind::Retire,
            Self::Unregister { .. } => Kind::Unregister,
        }
    }

    /// Which token.
    #[must_use]
    pub const fn token(&self) -> TokenId {
        match self {
            Self::Issue { token, .. }
            | Self::HandOverPin { token, .. }
            | Self::Suspend { token }
            | Self::Resume { token }
            | Self::Revoke { token, .. }
            | Self::SetPin { token, .. }
            | Self::ResetToken { token }
            | Self::RegisterCard { token }
            | Self::RenewCertificates { token, .. }
            | Self::ReissueCertificates { token, .. }
            | Self::UnblockCard { token, .. }
            | Self::RotatePuk { token }
            | Self::ChangeAdminKey { token }
            | Self::RefreshCard { token }
            | Self::Retire { token }
            | Self::Unregister { token } => *token,
        }
    }

    pub(super) fn parameters(&self) -> Parameters {
        match self {
            Self::Issue { template, .. } => Parameters {
                template: Some(*template),
                ..Parameters::default()
            },
            Self::HandOverPin { new_pin, .. } | Self::UnblockCard { new_pin, .. } => Parameters {
                own_pin: new_pin.is_some(),
                ..Parameters::default()
            },
            Self::Revoke { reason, .. } => Parameters {
                reason: reason.clone(),
                ..Parameters::default()
            },
            Self::SetPin { applet, .. } => Parameters {
                pin_of: *applet,
                ..Parameters::default()
            },
            Self::RenewCertificates { containers, .. } => Parameters {
                containers: containers.clone(),
                ..Parameters::default()
            },
            Self::ReissueCertificates {
                containers,
                may_lose_decryption_key,
                ..
            } => Parameters {
                containers: containers.clone(),
                may_lose_decryption_key: *may_lose_decryption_key,
                ..Parameters::default()
            },
            _ => Parameters::default(),
        }
    }

    pub(super) fn user(&self) -> Option<UserId> {
        match self {
            Self::Issue { user, .. } => Some(*user),
            _ => None,
        }
    }

    /// The PIN that the token is to get, and the one it has.
    pub(super) fn pins(&self) -> (Option<&GivenPin>, Option<&GivenPin>) {
        match self {
            Self::HandOverPin { new_pin, .. } | Self::UnblockCard { new_pin, .. } => {
                (new_pin.as_ref(), None)
            }
            Self::Revoke { pin, .. }
            | Self::RenewCertificates { pin, .. }
            | Self::ReissueCertificates { pin, .. } => (None, pin.as_ref()),
            Self::SetPin {
                current_pin,
                new_pin,
                ..
            } => (Some(new_pin), current_pin.as_ref()),
            _ => (None, None),
        }
    }
}
