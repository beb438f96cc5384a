//! What this host lets anybody do to its tokens, the server included.

use super::section::Section;
use crate::verb::Verb;

/// `[policy]`. Nobody who calls can widen it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Policy {
    /// `policy.forbid`: verbs that are refused.
    pub forbid: Vec<Verb>,
    /// `policy.allow_raw`: bytes that the agent does not understand may be sent to tokens, and
    /// vendors' own commands. Off by default: such bytes escape every other rule here.
    pub allow_raw: bool,
    /// `policy.allow_reset`: tokens may be wiped. Off by default: a server in the wrong hands
    /// could destroy every credential on them.
    pub allow_reset: bool,
    /// `policy.rp_ids`: relying parties that credentials may be made for, looked for, listed and
    /// proved. Absent: all of them.
    pub rp_ids: Option<Vec<String>>,
}

/// A refusal by [`Policy`], naming the setting.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Forbidden {
    /// `policy.forbid` names the verb.
    #[error(
        "this host's settings forbid {verb} (policy.forbid); ask the host's administrator to take it off the list"
    )]
    Verb {
        /// The verb.
        verb: Verb,
    },
    /// `policy.allow_raw` is off.
    #[error(
        "this host's settings do not allow raw exchanges and vendors' commands (policy.allow_raw); ask the host's administrator to allow them"
    )]
    Raw,
    /// `policy.allow_reset` is off.
    #[error(
        "this host's settings do not allow tokens to be reset (policy.allow_reset); ask the host's administrator to allow it"
    )]
    Reset,
    /// `policy.rp_ids` lacks the relying party.
    #[error(
        "this host's settings do not list the relying party {rp_id:?} (policy.rp_ids); ask the host's administrator to add it"
    )]
    RpId {
        /// The relying party.
        rp_id: String,
    },
}

impl Forbidden {
    /// The setting that would have to change.
    #[must_use]
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::Verb { .. } => "policy.forbid",
            Self::Raw => "policy.allow_raw",
            Self::Reset => "policy.allow_reset",
            Self::RpId { .. } => "policy.rp_ids",
        }
    }
}

impl Policy {
    pub(super) fn read(section: &mut Section) -> Self {
        let verbs = Verb::ALL.map(Verb::as_str).join(", ");
        Self {
            forbid: section
                .list("forbid", &verbs, Verb::from_name)
                .unwrap_or_default(),
            allow_raw: section.bool("allow_raw").unwrap_or(false),
            allow_reset: section.bool("allow_reset").unwrap_or(false),
            rp_ids: section.list(
                "rp_ids",
                "relying party ids, such as login.example.com",
                |id| (!id.is_empty() && !id.contains(char::is_whitespace)).then(|| id.to_owned()),
            ),
        }
    }

    /// Whether `verb` may be done at all.
    pub fn check_verb(&self, verb: Verb) -> Result<(), Forbidden> {
        match verb {
            _ if self.forbid.contains(&verb) => Err(Forbidden::Verb { verb }),
            Verb::Raw | Verb::CardRaw | Verb::VendorConfigure if !self.allow_raw => {
                Err(Forbidden::Raw)
            }
            Verb::Reset | Verb::ResetCard if !self.allow_reset => Err(Forbidden::Reset),
            _ => Ok(()),
        }
    }

    /// Whether anything may be done for `rp_id`.
    pub fn check_rp_id(&self, rp_id: &str) -> Result<(), Forbidden> {
        match &self.rp_ids {
            Some(allowed) if !allowed.iter().any(|id| id == rp_id) => Err(Forbidden::RpId {
                rp_id: rp_id.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Verbs that [`check_verb`](Self::check_verb) refuses, for the server to know beforehand.
    pub fn forbidden_verbs(&self) -> impl Iterator<Item = Verb> + '_ {
        Verb::ALL
            .into_iter()
            .filter(|verb| self.check_verb(*verb).is_err())
    }
}
