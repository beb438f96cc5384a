//! Durations as people type them: `90s`, `15m`, `24h`, `7d`.

use std::time::Duration;

/// A whole number and a unit, for clap.
///
/// # Errors
/// A sentence with what is allowed.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    const ALLOWED: &str = "allowed: a whole number and s, m, h or d, such as 90s or 24h";
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .ok_or_else(|| format!("the unit is missing; {ALLOWED}"))?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| ALLOWED.to_owned())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(ALLOWED.to_owned()),
    };
    number
        .checked_mul(seconds)
        .filter(|s| *s > 0 && *s <= u64::from(u32::MAX))
        .map(Duration::from_secs)
        .ok_or_else(|| format!("out of range; {ALLOWED}"))
}

/// For the wire's `valid_for_s`, where 0 leaves the choice to the server.
pub(crate) fn seconds(duration: Option<Duration>) -> u32 {
    // `parse` refused what does not fit.
    duration.map_or(0, |d| u32::try_from(d.as_secs()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_understood() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_what_is_allowed() {
        for text in [
            "",
            "90",
            "h",
            "1w",
            "-1h",
            "0s",
            "1.5h",
            "99999999999999999999s",
            "999999d",
        ] {
            let refusal = parse(text).unwrap_err();
            assert!(
                refusal.contains("allowed: a whole number"),
                "{text}: {refusal}"
            );
        }
    }
}
