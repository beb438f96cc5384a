//! The RPC edge of every error: a status code, a sentence, and `error.v1.ErrorDetail`.
//!
//! Each room's error enum is turned into a [`Refusal`] here and nowhere else.

use keysteward_proto::error::v1::ErrorDetail;
use prost::Message as _;
use tonic::{Code, Status};

use crate::{
    attestation::RootError, connector::SettingError, fleet::EnrolmentError, key_store, lifecycle,
    operation, store,
};

/// Why a call was not done. Nothing changed.
#[derive(Clone, Debug)]
pub struct Refusal {
    code: Code,
    message: String,
    detail: Box<ErrorDetail>,
}

impl Refusal {
    /// `reason` is stable and upper-case.
    pub fn new(code: Code, reason: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: Box::new(ErrorDetail {
                reason: reason.to_owned(),
                ..ErrorDetail::default()
            }),
        }
    }

    /// A field of the request that cannot be.
    pub fn field(field: &str, found: impl Into<String>, allowed: impl Into<String>) -> Self {
        let (found, allowed) = (found.into(), allowed.into());
        let mut refusal = Self::new(
            Code::InvalidArgument,
            "FIELD_INVALID",
            format!("{field} is {found}, allowed is {allowed}"),
        );
        refusal.detail.field = field.to_owned();
        refusal.detail.found = found;
        refusal.detail.allowed = allowed;
        refusal
    }

    /// A field that names something that is not there.
    pub fn not_found(field: &str, found: &str, allowed: &str) -> Self {
        let mut refusal = Self::new(
            Code::NotFound,
            &format!("{}_NOT_FOUND", field.to_ascii_uppercase()),
            format!("there is no {} {found}", field.replace('_', " ")),
        );
        refusal.detail.field = field.to_owned();
        refusal.detail.found = found.to_owned();
        refusal.detail.allowed = allowed.to_owned();
        refusal
    }

    /// What the caller should do.
    #[must_use]
    pub fn next(mut self, action: impl Into<String>) -> Self {
        self.detail.next_action = action.into();
        self
    }

    /// The field at fault, where the refusal is about more than its form.
    #[must_use]
    pub fn about(mut self, field: &str, found: impl Into<String>) -> Self {
        field.clone_into(&mut self.detail.field);
        self.detail.found = found.into();
        self
    }

    /// What is allowed there.
    #[must_use]
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.detail.allowed = allowed.into();
        self
    }

    /// Another fact for programs.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl ToString) -> Self {
        self.detail.facts.insert(name.to_owned(), value.to_string());
        self
    }

    /// Something failed that the caller can do nothing about; the log has the cause.
    fn internal(message: &str, error: &dyn core::error::Error) -> Self {
        let mut causes = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            causes = format!("{causes}: {error}");
            source = error.source();
        }
        tracing::error!(error = %causes, "{message}");
        Self::new(Code::Internal, "INTERNAL", message)
            .next("look into the server's log; nothing was changed")
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Self::with_details(
            refusal.code,
            refusal.message,
            refusal.detail.encode_to_vec().into(),
        )
    }
}

/// `?` on a room's error, in a function that answers with a status.
macro_rules! to_status {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Status {
            fn from(error: $error) -> Self {
                Refusal::from(error).into()
            }
        }
    )*};
}

to_status! {
    store::Error,
    key_store::Error,
    lifecycle::Invalid,
    lifecycle::NotAllowed,
    RootError,
    EnrolmentError,
    operation::Error,
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::Duplicate { column } => {
                let field = column.split(", ").next().unwrap_or(column).to_owned();
                Self::new(Code::AlreadyExists, "ALREADY_EXISTS", error.to_string())
                    .about(&field, "a value that is taken")
                    .allowed("a value of its own")
            }
            store::Error::Referenced => {
                Self::new(Code::FailedPrecondition, "STILL_USED", "it is still used")
                    .next("remove what uses it first")
            }
            _ => Self::internal("the database did not do it", &error),
        }
    }
}

impl From<key_store::Error> for Refusal {
    fn from(error: key_store::Error) -> Self {
        Self::internal("a sealed secret does not open", &error)
    }
}

impl From<lifecycle::Invalid> for Refusal {
    fn from(invalid: lifecycle::Invalid) -> Self {
        Self::field(invalid.field, invalid.found, invalid.allowed)
    }
}

impl From<lifecycle::NotAllowed> for Refusal {
    fn from(refused: lifecycle::NotAllowed) -> Self {
        let needed: Vec<&str> = refused.needed().map(|state| state.as_str()).collect();
        Self::new(
            Code::FailedPrecondition,
            "MOVE_NOT_ALLOWED",
            refused.to_string(),
        )
        .about("token", refused.state.as_str())
        .allowed(format!("a token that is {}", needed.join(" or ")))
        .fact("event", refused.event)
    }
}

impl Refusal {
    /// A setting of a connection of this kind, as the interface names it: "builtin-ca".
    pub(super) fn setting(kind: &str, error: SettingError) -> Self {
        let field = match error.field {
            "credential" if kind == "entrust-ca-gateway" => "pkcs12".to_owned(),
            "api_key" | "credential" | "private_key" => "api_key".to_owned(),
            setting => format!("connection.{}.{setting}", kind.replace('-', "_")),
        };
        Self::field(&field, error.found, error.allowed)
    }
}

impl From<RootError> for Refusal {
    fn from(error: RootError) -> Self {
        Self::field(
            "token_type.attestation_roots",
            error.to_string(),
            "PEM certificates (-----BEGIN CERTIFICATE-----)",
        )
    }
}

impl From<EnrolmentError> for Refusal {
    fn from(error: EnrolmentError) -> Self {
        match error {
            EnrolmentError::NoHost(id) => Self::not_found("host", &id.to_string(), "an id"),
            EnrolmentError::NoJoinToken(id) => {
                Self::not_found("join_token", &id.to_string(), "the id of a join token")
            }
            EnrolmentError::NotPending { found, .. } => Self::new(
                Code::FailedPrecondition,
                "HOST_NOT_PENDING",
                error.to_string(),
            )
            .about("host", found)
            .allowed("pending"),
            EnrolmentError::Invalid {
                field,
                found,
                allowed,
            } => Self::field(field, found, allowed),
            EnrolmentError::Store(error) => error.into(),
        }
    }
}

impl From<operation::Error> for Refusal {
    fn from(error: operation::Error) -> Self {
        use operation::Error as E;
        let text = error.to_string();
        let not_now = |reason| Self::new(Code::FailedPrecondition, reason, text.clone());
        match error {
            E::NotFound { what, id } => Self::not_found(what, &id, "one that exists"),
            E::Invalid(invalid) => invalid.into(),
            E::NotAllowed(refused) => refused.into(),
            E::Busy {
                operation,
                kind,
                state,
            } => not_now("TOKEN_BUSY")
                .about("token", format!("{kind} {state}"))
                .allowed("a key that no other operation has")
                .fact("operation", operation)
                .next(format!(
                    "wait for it: keysteward operation watch {operation}"
                )),
            E::NeedsReset => not_now("TOKEN_NEEDS_RESET")
                .about("token", "needs a reset")
                .next("reset it: keysteward token reset TOKEN"),
            E::WrongType {
                template,
                token_type,
            } => not_now("TOKEN_TYPE_NOT_ALLOWED")
                .about("token", token_type)
                .allowed(format!("a type that template {template} names"))
                .next("name the type in a template, or use another template"),
            E::ModelNotAllowed { template, aaguid } => not_now("MODEL_NOT_ALLOWED")
                .about("token", aaguid.to_string())
                .allowed(format!("a model that template {template} allows"))
                .next("use another template, or another key"),
            E::NoTrust(_) => not_now("ATTESTATION_NOT_POSSIBLE")
                .about("token", "its attestation could not be checked")
                .next("put the file of trust in order that the settings name under [attestation]"),
            E::NoPin => not_now("PIN_NOT_HELD")
                .about("token", "its PIN is not held here")
                .next("reset the key and issue it again"),
            E::NotACard => not_now("NOT_A_CARD")
                .about("token", "not registered as a smart card")
                .next("register it: keysteward card register TOKEN"),
            E::UnknownCard => not_now("CARD_TYPE_UNKNOWN")
                .about("token", "a card of no known type")
                .allowed("a card that a token type describes")
                .next("describe it: keysteward token-type create NAME --card-applet piv"),
            E::NoAuthority(_) => not_now("CERTIFICATION_AUTHORITY_NOT_USABLE")
                .about("template", "a certification authority that cannot be used")
                .next("check it: keysteward connection check"),
            E::IdReused(id) => Self::new(Code::AlreadyExists, "OPERATION_ID_REUSED", text)
                .about("operation_id", id.to_string())
                .allowed("an id of its own for each operation"),
            E::WrongState {
                operation,
                state,
                allowed,
            } => not_now("OPERATION_STATE")
                .about("operation", state.as_str())
                .allowed(allowed)
                .fact("operation", operation),
            E::NotByHand { step } => not_now("STEP_NOT_BY_HAND")
                .about("resolution", "done")
                .allowed("retry, failed")
                .fact("step", step),
            E::NothingToReveal(id) => not_now("NOTHING_TO_REVEAL")
                .about("operation", id.to_string())
                .allowed(
                    "a hand-over that revealed nothing yet, and gave the user no PIN of their own",
                ),
            E::KeyStore(error) => error.into(),
            E::Unrecorded { ref label, ref why } => {
                tracing::error!(label, %why, "a card master key was not written down");
                Self::new(Code::Internal, "CARD_MASTER_KEY_UNRECORDED", text)
                    .next("delete that key in the PKCS #11 token, and ask again")
                    .fact("label", label)
            }
            E::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(status: &Status) -> ErrorDetail {
        ErrorDetail::decode(status.details()).unwrap()
    }

    #[test]
    fn a_wrong_field_carries_field_found_and_allowed() {
        let invalid = lifecycle::Invalid::new("template.pin.length", 3, "4 to 63");
        let status = Status::from(invalid);
        assert_eq!(status.code(), Code::InvalidArgument);
        let detail = detail(&status);
        assert_eq!(
            (
                detail.field.as_str(),
                detail.found.as_str(),
                detail.allowed.as_str()
            ),
            ("template.pin.length", "3", "4 to 63")
        );
        assert!(status.message().contains("4 to 63"), "{}", status.message());
    }

    #[test]
    fn each_error_has_its_code_and_reason() {
        let sealed = key_store::Error::Sealed { kind: "pin".into() };
        let duplicate = store::Error::Duplicate {
            column: "template.name".into(),
        };
        let not_allowed =
            lifecycle::after(lifecycle::TokenState::Active, lifecycle::Event::Issue).unwrap_err();
        for (status, code, reason) in [
            (
                Status::from(duplicate),
                Code::AlreadyExists,
                "ALREADY_EXISTS",
            ),
            (
                Status::from(store::Error::Referenced),
                Code::FailedPrecondition,
                "STILL_USED",
            ),
            (
                Status::from(store::Error::Corrupt { column: "x" }),
                Code::Internal,
                "INTERNAL",
            ),
            (Status::from(sealed), Code::Internal, "INTERNAL"),
            (
                Status::from(not_allowed),
                Code::FailedPrecondition,
                "MOVE_NOT_ALLOWED",
            ),
            (
                Status::from(Refusal::not_found("token_type", "x", "an id, or a name")),
                Code::NotFound,
                "TOKEN_TYPE_NOT_FOUND",
            ),
        ] {
            assert_eq!(
                (status.code(), detail(&status).reason.as_str()),
                (code, reason)
            );
        }
    }

    #[test]
    fn an_internal_error_does_not_show_its_cause() {
        let status = Status::from(store::Error::Database(sqlx::Error::WorkerCrashed));
        assert!(!status.message().contains("worker"), "{}", status.message());
        assert!(detail(&status).next_action.contains("log"));
    }
}
