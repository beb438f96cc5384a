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
        /// What the card is and what is on it.
        InspectCard = "inspect-card",
        /// Which admin key opens the card.
        TryAdminKeys = "try-admin-keys",
        /// Another admin key.
        ChangeAdminKey = "change-admin-key",
        /// Another PUK.
        SetPuk = "set-puk",
        /// Whether a PUK came to the card in an attempt that was cut off.
        CheckPuk = "check-puk",
        /// Files of the card edge, admin key and PIN, on a blank card.
        Initialise = "initialise-card",
        /// The card's own id.
        Personalise = "personalise",
        /// A PIN by authority.
        SetCardPin = "set-card-pin",
        /// A PIN by who knows the one before.
        ChangeCardPin = "change-card-pin",
        /// Nobody's PIN opens the card.
        BlockCardPin = "block-card-pin",
        /// The key that mail was encrypted to out of the way of another one.
        MoveKey = "move-key",
        /// A key pair on the card.
        GenerateKey = "generate-key",
        /// The card signs for it.
        SignRequest = "sign-request",
        /// A certificate for it.
        Enrol = "enrol",
        /// A successor for one that ends, where the authority knows renewals.
        RenewCertificate = "renew-certificate",
        /// A successor for a new key, where the authority keeps the history.
        ReissueCertificate = "reissue-certificate",
        /// One that the authority takes its time for.
        PollEnrolment = "poll-enrolment",
        /// Whether the authority issued more than is known here, after an answer was lost.
        LookAgain = "look-again",
        /// The certificate to the card.
        WriteCertificate = "write-certificate",
        /// What is on the card now.
        ReadCard = "read-card",
        /// On hold at the authority.
        HoldCertificate = "hold-certificate",
        /// No longer on hold.
        UnholdCertificate = "unhold-certificate",
        /// For good.
        RevokeCertificate = "revoke-certificate",
        /// Key and certificate off the card.
        DeleteContainer = "delete-container",
        /// The applet as it left the factory.
        ResetCard = "reset-card",
        /// The PIN of the factory, by authority.
        RestorePin = "restore-pin",
        /// The PUK of the factory.
        RestorePuk = "restore-puk",
        /// The admin key of the factory.
        RestoreAdminKey = "restore-admin-key",
    }
}

/// What a step is a request to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// A token, through the agent of the host where it is.
    Token,
    /// A card, through the agent of the host where it is.
    Card,
    /// The identity provider.
    Idp,
    /// A certification authority.
    Ca,
}

impl Target {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Card => "card",
            Self::Idp => "idp",
            Self::Ca => "ca",
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
            Self::InspectCard
            | Self::TryAdminKeys
            | Self::ChangeAdminKey
            | Self::SetPuk
            | Self::CheckPuk
            | Self::Initialise
            | Self::Personalise
            | Self::SetCardPin
            | Self::ChangeCardPin
            | Self::BlockCardPin
            | Self::MoveKey
            | Self::GenerateKey
            | Self::SignRequest
            | Self::WriteCertificate
            | Self::ReadCard
            | Self::DeleteContainer
            | Self::ResetCard
            | Self::RestorePin
            | Self::RestorePuk
            | Self::RestoreAdminKey => Target::Card,
            Self::Enrol
            | Self::RenewCertificate
            | Self::ReissueCertificate
            | Self::PollEnrolment
            | Self::HoldCertificate
            | Self::UnholdCertificate
            | Self::LookAgain
            | Self::RevokeCertificate => Target::Ca,
        }
    }

    /// Whether it is a request to a token or card, which has a journal before it.
    #[must_use]
    pub const fn at_host(self) -> bool {
        matches!(self.target(), Target::Token | Target::Card)
    }

    /// Whether it asks an authority for a certificate.
    #[must_use]
    pub const fn asks_for_certificate(self) -> bool {
        matches!(
            self,
            Self::Enrol | Self::RenewCertificate | Self::ReissueCertificate
        )
    }

    /// Whether it changes what it is sent to; then it is journaled there.
    #[must_use]
    pub const fn changes(self) -> bool {
        !matches!(
            self,
            Self::Inspect
                | Self::ReadBack
                | Self::InspectCard
                | Self::ReadCard
                | Self::TryAdminKeys
                | Self::PollEnrolment
                | Self::LookAgain
        )
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
            Self::InspectCard => "card.inspect",
            Self::TryAdminKeys => "card.try-admin-keys",
            Self::ChangeAdminKey => "card.change-admin-key",
            Self::SetPuk => "card.set-puk",
            Self::CheckPuk => "card.check-puk",
            Self::Initialise => "card.initialise",
            Self::Personalise => "card.personalise",
            Self::SetCardPin => "card.set-pin",
            Self::ChangeCardPin => "card.change-pin",
            Self::BlockCardPin => "card.block-pin",
            Self::MoveKey => "card.move-key",
            Self::GenerateKey => "card.generate-key",
            Self::SignRequest => "card.sign-request",
            Self::Enrol => "ca.enrol",
            Self::RenewCertificate => "ca.renew",
            Self::ReissueCertificate => "ca.reissue",
            Self::PollEnrolment => "ca.poll",
            Self::LookAgain => "ca.look-again",
            Self::WriteCertificate => "card.write-certificate",
            Self::ReadCard => "card.read",
            Self::HoldCertificate => "ca.hold",
            Self::UnholdCertificate => "ca.unhold",
            Self::RevokeCertificate => "ca.revoke",
            Self::DeleteContainer => "card.delete-container",
            Self::ResetCard => "card.reset",
            Self::RestorePin => "card.restore-pin",
            Self::RestorePuk => "card.restore-puk",
            Self::RestoreAdminKey => "card.restore-admin-key",
        }
    }
}
