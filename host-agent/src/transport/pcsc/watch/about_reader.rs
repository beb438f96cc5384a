//! What a reader tells of itself, without a word to the card on it.

use std::{ffi::CStr, sync::mpsc, thread, time::Duration};

use pcsc::{Attribute, Context, Disposition, Protocols, Scope, ShareMode};

use super::super::super::{Description, UsbPosition};

/// Stack of a thread that asks a reader.
const STACK: usize = 64 * 1024;

/// pcscd lets nobody connect, not even to the reader alone, while a program is in a transaction
/// with the card. Whoever watches all readers does not wait for that.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the reader is plugged in, and its serial number; nothing where it does not tell in time.
/// The card is not touched; who has it for themselves is not disturbed, and the reader then says
/// nothing.
pub(super) fn describe(reader: &CStr) -> Description {
    let (tell, told) = mpsc::channel();
    let name = reader.to_owned();
    let asking = thread::Builder::new()
        .name("reader-ask".to_owned())
        .stack_size(STACK)
        .spawn(move || drop(tell.send(ask(&name))));
    if let Err(error) = asking {
        tracing::debug!(%error, "cannot ask a reader about itself");
    }
    told.recv_timeout(PATIENCE).unwrap_or_default()
}

/// Over a connection to the service of its own: calls on one wait for each other.
fn ask(reader: &CStr) -> Description {
    let connected = Context::establish(Scope::User)
        .and_then(|context| context.connect(reader, ShareMode::Direct, Protocols::UNDEFINED));
    let Ok(connected) = connected else {
        return Description::default();
    };
    let told = |attribute| connected.get_attribute_owned(attribute).unwrap_or_default();
    let description = Description {
        position: usb_position(&told(Attribute::ChannelId)),
        reader_serial: text(&told(Attribute::VendorIfdSerialNo)),
        ..Description::default()
    };
    if let Err((connected, error)) = connected.disconnect(Disposition::LeaveCard) {
        tracing::debug!(%error, "left a reader");
        // Dropped, it would be disconnected again, and the card be reset.
        std::mem::forget(connected);
    }
    description
}

/// SCARD_ATTR_CHANNEL_ID, a number 0xDDDDCCCC: kind of channel, and which. PC/SC 3 §3.1.2; of USB,
/// libccid tells bus and device. A reader on device 0 is on none: some drivers tell only the kind.
fn usb_position(channel: &[u8]) -> Option<UsbPosition> {
    const USB: u16 = 0x0020;
    let channel = u32::from_ne_bytes(channel.try_into().ok()?).to_be_bytes();
    let [kind_high, kind_low, bus, device] = channel;
    let is_usb = u16::from_be_bytes([kind_high, kind_low]) == USB;
    (is_usb && device != 0).then_some(UsbPosition { bus, device })
}

/// Text of the driver, which may end in a zero.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .trim_matches(|c: char| c == '\0' || c.is_whitespace())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_usb_channel_with_a_device_is_a_position() {
        for (channel, position) in [
            (0x0020_0107_u32, Some((1, 7))),
            (0x0020_0000, None),
            (0x0020_0100, None),
            (0x0001_0107, None),
        ] {
            let position = position.map(|(bus, device)| UsbPosition { bus, device });
            assert_eq!(
                usb_position(&channel.to_ne_bytes()),
                position,
                "{channel:08x}"
            );
        }
        assert_eq!(usb_position(&[0x20]), None);
    }

    #[test]
    fn a_serial_number_is_freed_of_what_ends_it() {
        assert_eq!(text(b"0012345678\0"), "0012345678");
        assert_eq!(text(b" \0"), "");
    }
}
