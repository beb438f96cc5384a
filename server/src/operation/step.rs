//! The steps of operations: one changing request to one outside thing each.
//!
//! Their names are stable: journals on hosts and the faults of the test harness
//! know them.

use crate::store::words;

words! {
    /// A step.
    StepName {
        /// What the token is, and whether it has a PIN.
        Inspect = "inspect",
        /// The user at the IdP, found or created.
        FindUser = "find-user",
        /// A first PIN.
        SetPin = "set-pin",
        /// Another PIN in its place.
        ChangePin = "change-pin",
        /// Options of the token.
        Configure = "configure",
        /// A credential on the token.
        MakeCredential = "make-credential",
        /// Its public key to the IdP.
        Publish = "publish",
        /// What the IdP now says.
        ReadBack = "read-back",
        /// Takes back what was published.
        Unpublish = "unpublish",
        /// Removes the credential from the token.
        DeleteCredential = "delete-credential",
        /// On hold at the IdP.
        Suspend = "suspend",
        /// No longer on hold.
        Resume = "resume",
        /// Gone at the IdP (or on hold for good, where the template says so).
        DeleteAuthenticator = "delete-authenticator",
        /// The token as it left the factory.
        Reset = "reset",
    }
}

/// What a step is a request to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// A token, through the agent of the host where it is.
    Token,
    /// The identity provider.
    Idp,
}

impl Target {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Idp => "idp",
        }
    }
}

impl StepName {
    /// What it is a request to.
    #[must_use]
    pub const fn target(self) -> Target {
        match self {
            Self::Inspect
            | Self::SetPin
            | Self::ChangePin
            | Self::Configure
            | Self::MakeCredential
            | Self::DeleteCredential
            | Self::Reset => Target::Token,
            Self::FindUser
            | Self::Publish
            | Self::ReadBack
            | Self::Unpublish
            | Self::Suspend
            | Self::Resume
            | Self::DeleteAuthenticator => Target::Idp,
        }
    }

    /// Whether it changes what it is sent to; then it is journaled there.
    #[must_use]
    pub const fn changes(self) -> bool {
        !matches!(self, Self::Inspect | Self::ReadBack)
    }

    /// Whether it may leave something behind at the identity provider. A user who
    /// was found or made there is not undone.
    #[must_use]
    pub const fn changes_idp(self) -> bool {
        matches!(
            self,
            Self::Publish
                | Self::Unpublish
                | Self::Suspend
                | Self::Resume
                | Self::DeleteAuthenticator
        )
    }

    /// How the audit calls it.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Inspect => "token.inspect",
            Self::FindUser => "idp.find-user",
            Self::SetPin => "token.set-pin",
            Self::ChangePin => "token.change-pin",
            Self::Configure => "token.configure",
            Self::MakeCredential => "token.make-credential",
            Self::Publish => "idp.publish",
            Self::ReadBack => "idp.read-back",
            Self::Unpublish => "idp.unpublish",
            Self::DeleteCredential => "token.delete-credential",
            Self::Suspend => "idp.suspend",
            Self::Resume => "idp.resume",
            Self::DeleteAuthenticator => "idp.delete-authenticator",
            Self::Reset => "token.reset",
        }
    }
}
