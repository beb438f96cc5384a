//! What a reader can carry, from its properties. PC/SC 10 §2.5 and §2.6.12.

use pcsc::{Card, ctl_code};

/// Header, Lc, 255 bytes, Le.
pub(super) const MAX_SHORT_COMMAND: usize = 261;

/// CM_IOCTL_GET_FEATURE_REQUEST
const GET_FEATURE_REQUEST: u32 = 3400;
/// FEATURE_GET_TLV_PROPERTIES
const GET_TLV_PROPERTIES: u8 = 0x12;
/// dwMaxAPDUDataSize
const MAX_APDU_DATA_SIZE: u8 = 0x0A;
/// What the extended form adds to the data.
const EXTENDED_FRAME: usize = 9;

/// Longest command that the reader takes; `None` where it does not say.
pub(super) fn max_command(card: &Card) -> Option<usize> {
    let mut room = [0; 264];
    let features = card
        .control(ctl_code(GET_FEATURE_REQUEST.into()), &[], &mut room)
        .ok()?;
    let code = control_code(features)?;
    let mut room = [0; 264];
    let properties = card.control(code.into(), &[], &mut room).ok()?;
    max_data(properties).map(|max| match max {
        0..256 => MAX_SHORT_COMMAND,
        data => data.saturating_add(EXTENDED_FRAME),
    })
}

/// The control code of the feature that tells the properties: a list of tag, length 4, code in
/// big-endian.
fn control_code(features: &[u8]) -> Option<u32> {
    let (_, code) = tlv(features).find(|(tag, _)| *tag == GET_TLV_PROPERTIES)?;
    code.try_into().ok().map(u32::from_be_bytes)
}

/// dwMaxAPDUDataSize: a list of tag, length, number in little-endian.
fn max_data(properties: &[u8]) -> Option<usize> {
    let (_, size) = tlv(properties).find(|(tag, _)| *tag == MAX_APDU_DATA_SIZE)?;
    let size = size.try_into().ok().map(u32::from_le_bytes)?;
    usize::try_from(size).ok()
}

/// Ends where the list is cut short.
fn tlv(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[tag, len], after) = rest.split_first_chunk()?;
        let (value, after) = after.split_at_checked(usize::from(len))?;
        rest = after;
        Some((tag, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_among_the_features() {
        let features = b"\x06\x04\x42\x33\x00\x06\x12\x04\x42\x33\x00\x12";
        assert_eq!(control_code(features), Some(0x4233_0012));
        assert_eq!(control_code(&features[..6]), None);
        assert_eq!(control_code(&features[..11]), None, "cut short");
        assert_eq!(control_code(b"\x12\x02\x42\x33"), None, "another length");
        assert_eq!(control_code(&[]), None);
    }

    #[test]
    fn the_longest_apdu_is_found_among_the_properties() {
        let properties = b"\x01\x02\x00\x00\x0a\x04\x00\x00\x01\x00\x0b\x02\x00\x00";
        assert_eq!(max_data(properties), Some(65_536));
        assert_eq!(max_data(b"\x0a\x04\x00\x00\x00\x00"), Some(0), "short only");
        assert_eq!(max_data(b"\x0a\x02\x00\x01"), None, "another length");
        assert_eq!(max_data(b"\x01\x02\x00"), None, "cut short");
    }
}
