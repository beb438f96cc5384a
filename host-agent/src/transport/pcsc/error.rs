//! Why a card cannot be reached, and what helps.

use pcsc::Error;

/// Why a card cannot be reached. After [`Reset`](Self::Reset) and [`Removed`](Self::Removed)
/// whatever was selected or unlocked on it is not any more.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PcscError {
    /// Nobody answers for smart cards.
    #[error(
        "no smart card service runs on this machine; start pcscd, or the service \"Smart Card\" on \
         Windows"
    )]
    NoService,
    /// It did, and stopped meanwhile.
    #[error("the smart card service was stopped; it starts again when a program connects anew")]
    ServiceStopped,
    /// The system does not let this user at cards.
    #[error(
        "the system does not let the agent use smart cards; allow its user the actions \
         org.debian.pcsc-lite.access_pcsc and access_card with a polkit rule"
    )]
    NotPermitted,
    /// The reader was unplugged.
    #[error("the reader {reader} is gone; plug it in again")]
    NoReader {
        /// Its name.
        reader: String,
    },
    /// There is no card.
    #[error("no card lies on the reader {reader}; put it on, and leave it there")]
    NoCard {
        /// Its name.
        reader: String,
    },
    /// The card was taken away.
    #[error("the card was taken off the reader {reader}; put it back, and begin anew")]
    Removed {
        /// Its name.
        reader: String,
    },
    /// Somebody else reset the card.
    #[error("another program reset the card on the reader {reader}; begin anew")]
    Reset {
        /// Its name.
        reader: String,
    },
    /// Another program keeps the card for itself.
    #[error("another program has the card on the reader {reader} for itself; close it, then again")]
    InUse {
        /// Its name.
        reader: String,
    },
    /// Another program speaks to the card in a transaction.
    #[error(
        "another program holds the card on the reader {reader} and did not let it go in time; \
         close it, or try again later"
    )]
    HeldElsewhere {
        /// Its name.
        reader: String,
    },
    /// No thread can wait for the card.
    #[error("no thread can wait for the card on the reader {reader}: {reason}")]
    NoThread {
        /// Its name.
        reader: String,
        /// The system's words.
        reason: String,
    },
    /// The card is no card, or lies badly.
    #[error(
        "the card on the reader {reader} does not answer; take it off, wipe its contacts, and put \
         it on again"
    )]
    Unresponsive {
        /// Its name.
        reader: String,
    },
    /// The token is at no reader.
    #[error(
        "the token is at no reader that the smart card service knows; its certificates are \
         reached through one"
    )]
    NotAtReader,
    /// The reader takes no commands of the extended form. Nothing reached the card.
    #[error("the reader takes short commands only")]
    ExtendedRefused,
    /// The card answered more than there is room for.
    #[error("the card's answer is longer than any is expected")]
    AnswerTooLong,
    /// Another failure.
    #[error("the reader {reader} failed: {source}")]
    System {
        /// Its name.
        reader: String,
        /// The service's words.
        #[source]
        source: Error,
    },
}

impl PcscError {
    /// Of a reader and its card.
    pub(super) fn new(error: Error, reader: &str) -> Self {
        let reader = reader.to_owned();
        match error {
            Error::NoService => Self::NoService,
            // A context of a service that was restarted is no handle any more.
            Error::ServiceStopped | Error::Shutdown | Error::InvalidHandle => Self::ServiceStopped,
            Error::SecurityViolation | Error::NoAccess => Self::NotPermitted,
            Error::UnknownReader | Error::ReaderUnavailable | Error::NoReadersAvailable => {
                Self::NoReader { reader }
            }
            Error::NoSmartcard => Self::NoCard { reader },
            Error::RemovedCard => Self::Removed { reader },
            Error::ResetCard | Error::UnpoweredCard => Self::Reset { reader },
            Error::SharingViolation => Self::InUse { reader },
            Error::UnresponsiveCard
            | Error::UnsupportedCard
            | Error::CardUnsupported
            | Error::InvalidAtr
            | Error::ProtoMismatch => Self::Unresponsive { reader },
            Error::InsufficientBuffer => Self::AnswerTooLong,
            source => Self::System { reader, source },
        }
    }

    /// Of a card that was connected to. Permission was given then: pcsc-lite also says that it is
    /// missing when pcscd hangs up.
    pub(super) fn of_open_card(error: Error, reader: &str) -> Self {
        match error {
            Error::SecurityViolation => Self::ServiceStopped,
            error => Self::new(error, reader),
        }
    }

    /// Whether nothing reaches the card by the link that says so any more.
    pub(super) const fn ends_link(&self) -> bool {
        !matches!(self, Self::ExtendedRefused | Self::AnswerTooLong)
    }

    /// Of the service as a whole.
    pub(super) fn of_service(error: Error) -> Self {
        Self::new(error, "(any)")
    }
}

/// What readers that know the short form alone say to a command of the extended form.
pub(super) const fn is_refusal_of_form(error: Error) -> bool {
    matches!(
        error,
        Error::InvalidParameter
            | Error::InvalidValue
            | Error::UnsupportedFeature
            | Error::NotTransacted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_helps() {
        for (error, words) in [
            (Error::NoService, "start pcscd"),
            (Error::ServiceStopped, "starts again"),
            (Error::InvalidHandle, "starts again"),
            (Error::SecurityViolation, "polkit rule"),
            (Error::UnknownReader, "plug it in again"),
            (Error::NoSmartcard, "put it on"),
            (Error::RemovedCard, "put it back"),
            (Error::ResetCard, "begin anew"),
            (Error::UnpoweredCard, "begin anew"),
            (Error::SharingViolation, "close it"),
            (Error::UnresponsiveCard, "wipe its contacts"),
            (Error::InsufficientBuffer, "longer than any"),
            (Error::CommError, "the reader Desk 00 failed"),
        ] {
            let told = PcscError::new(error, "Desk 00").to_string();
            assert!(told.contains(words), "{error:?}: {told}");
        }
    }

    #[test]
    fn the_rule_that_is_installed_allows_what_is_asked_for() {
        let rule = include_str!("../../../linux/keysteward-agent.rules");
        let unit = include_str!("../../../linux/keysteward-agent.service");
        let told = PcscError::NotPermitted.to_string();
        for action in ["access_pcsc", "access_card"] {
            assert!(told.contains(action), "{told}");
            assert!(rule.contains(&format!("\"org.debian.pcsc-lite.{action}\"")));
        }
        let user = unit.lines().find_map(|line| line.strip_prefix("User="));
        let user = user.unwrap();
        assert!(rule.contains(&format!("subject.user === \"{user}\"")));
    }

    #[test]
    fn a_service_that_hangs_up_is_told_from_one_that_refuses() {
        let hung_up = PcscError::of_open_card(Error::SecurityViolation, "Desk 00");
        assert_eq!(hung_up, PcscError::ServiceStopped);
        let refused = PcscError::of_service(Error::SecurityViolation);
        assert_eq!(refused, PcscError::NotPermitted);
    }

    #[test]
    fn a_card_that_is_gone_is_no_refusal_of_the_form() {
        for error in [Error::RemovedCard, Error::ResetCard, Error::CommError] {
            assert!(!is_refusal_of_form(error), "{error:?}");
        }
        assert!(is_refusal_of_form(Error::InvalidParameter));
    }
}
