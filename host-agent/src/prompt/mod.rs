//! Tells the person at the host what a token waits for.
//!
//! Always in the log; on Linux also as a desktop notification in every session that has a message
//! bus, where `notify-send` is installed. Nobody waits for it: a person who does not look is found
//! out by the step's own deadline.

#[cfg(target_os = "linux")]
mod desktop;

/// A sentence for the person, and what it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Prompt {
    /// "touch the security key on laptop-7 now"
    pub(crate) request: String,
    /// What the caller said it is for; may come from far away.
    pub(crate) purpose: String,
}

impl Prompt {
    pub(crate) fn show(&self) {
        let purpose = plain(&self.purpose);
        tracing::info!(
            request = self.request,
            purpose,
            "asked the person at the host"
        );
        #[cfg(target_os = "linux")]
        desktop::notify(&self.request, &purpose);
    }
}

/// Longest purpose that is shown, in characters.
const PURPOSE_MAX: usize = 200;

/// One line without control characters.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(PURPOSE_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_from_far_away_is_one_plain_line() {
        assert_eq!(plain("issue\n to \u{1b}[31malice"), "issue to [31malice");
        assert_eq!(plain(&"x".repeat(1000)).len(), PURPOSE_MAX);
    }
}
