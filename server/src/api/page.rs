//! Lists: `page_size` and `page_token` of the wire, and pages of the store.

use core::{fmt::Display, str::FromStr};

use super::refusal::Refusal;
use crate::store::{Listed, Page};

/// What a caller asked for.
///
/// # Errors
/// A size beyond 1000, or a token that no answer ever gave.
pub(super) fn page<I: FromStr>(size: u32, token: &str) -> Result<Page<I>, Refusal> {
    let size = match size {
        0 => DEFAULT,
        1..=LARGEST => size,
        _ => {
            return Err(Refusal::field(
                "page_size",
                size.to_string(),
                "0 (100), or 1 to 1000",
            ));
        }
    };
    let after = match token {
        "" => None,
        token => Some(token.parse().map_err(|_| {
            Refusal::field(
                "page_token",
                token,
                "the next_page_token of an earlier answer, or empty",
            )
        })?),
    };
    Ok(Page { after, size })
}

/// What the next call should say.
pub(super) fn next_token<T, I: Display>(listed: &Listed<T, I>) -> String {
    listed.next.as_ref().map(I::to_string).unwrap_or_default()
}

/// A filter word; empty is any.
///
/// # Errors
/// A word that is not in the list.
pub(super) fn word<T: FromStr<Err = crate::store::UnknownWord>>(
    field: &str,
    text: &str,
) -> Result<Option<T>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error: crate::store::UnknownWord| {
            Refusal::field(field, text, error.allowed.join(", "))
        })
}

/// An empty string is no filter.
pub(super) fn filter(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

const DEFAULT: u32 = 100;
const LARGEST: u32 = 1000;

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;
    use crate::store::{HostId, host};

    fn code(refusal: Refusal) -> Code {
        Status::from(refusal).code()
    }

    #[test]
    fn a_page_is_bounded_and_its_token_is_one_of_ours() {
        assert_eq!(
            page::<u64>(0, "").unwrap(),
            Page {
                after: None,
                size: 100
            }
        );
        assert_eq!(
            page::<u64>(7, "9").unwrap(),
            Page {
                after: Some(9),
                size: 7
            }
        );
        assert_eq!(
            code(page::<u64>(1001, "").unwrap_err()),
            Code::InvalidArgument
        );
        assert_eq!(
            code(page::<HostId>(1, "x").unwrap_err()),
            Code::InvalidArgument
        );
    }

    #[test]
    fn a_filter_word_is_one_of_the_list() {
        assert_eq!(word::<host::State>("state", "").unwrap(), None);
        assert_eq!(
            word("state", "pending").unwrap(),
            Some(host::State::Pending)
        );
        assert!(word::<host::State>("state", "lost").is_err());
    }
}
