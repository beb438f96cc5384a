//! A key in the Linux kernel: `/dev/uhid`, so that hidraw and every program on it see a USB key.
//!
//! Wire format: `linux/uhid.h`; an event is a 32-bit type in the machine's byte order and a packed
//! body, and a write may stop short of the unused end. The report descriptor is that of
//! CTAP 2.3 §11.2.8.

use super::Identity;
use crate::device::{Device, Link};
use keysteward_core::ctaphid::Report;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Serves `device` through the uhid node at `path`, for good.
pub fn run(device: &Device, identity: &Identity, path: &Path) -> ! {
    loop {
        let power_up = device.wait_until_plugged();
        while device.plugged_since(power_up) {
            if let Err(error) = visit(device, power_up, identity, path) {
                tracing::warn!(path = %path.display(), %error, "uhid");
            }
            if !device.pause(power_up, RETRY) {
                break;
            }
        }
    }
}

/// One kernel device, from CREATE2 to DESTROY.
fn visit(device: &Device, power_up: u64, identity: &Identity, path: &Path) -> io::Result<()> {
    let mut node = File::options().read(true).write(true).open(path)?;
    node.write_all(&create2(identity))?;
    let (ended, end) = UnixStream::pair()?;
    let link = UhidLink {
        node: node.try_clone()?,
        _end: end,
    };
    let Some(id) = device.attach(power_up, Box::new(link)) else {
        return Ok(());
    };
    let result = serve(device, &mut node, &ended);
    device.detach(id);
    result
}

/// Takes events until the link is closed: its end of the pair is dropped then.
fn serve(device: &Device, node: &mut File, ended: &UnixStream) -> io::Result<()> {
    let mut event = vec![0; EVENT_LEN];
    loop {
        let mut sources = [
            PollFd::new(node.as_fd(), PollFlags::POLLIN),
            PollFd::new(ended.as_fd(), PollFlags::POLLIN),
        ];
        poll(&mut sources, PollTimeout::NONE)?;
        if sources[1].any().unwrap_or(true) {
            return Ok(());
        }
        let length = node.read(&mut event)?;
        if let Some(report) = output(event.get(..length).unwrap_or_default()) {
            device.deliver(report);
        }
    }
}

struct UhidLink {
    node: File,
    _end: UnixStream,
}

impl Link for UhidLink {
    fn send(&mut self, report: &Report) -> io::Result<()> {
        self.node.write_all(&input2(report))
    }

    fn close(&mut self) {
        if let Err(error) = self.node.write_all(&UHID_DESTROY.to_ne_bytes()) {
            tracing::debug!(%error, "uhid destroy");
        }
    }
}

/// UHID_CREATE2: name 128, phys 64, uniq 64, rd_size, bus, vendor, product, version, country,
/// descriptor.
fn create2(identity: &Identity) -> Vec<u8> {
    let mut event = Vec::with_capacity(CREATE2_HEAD + REPORT_DESCRIPTOR.len());
    event.extend_from_slice(&UHID_CREATE2.to_ne_bytes());
    let product = format!("{} {}", identity.manufacturer, identity.product);
    push_text(&mut event, &product, 128);
    push_text(&mut event, &format!("keysteward/{}", identity.name), 64);
    push_text(
        &mut event,
        identity.serial.as_deref().unwrap_or_default(),
        64,
    );
    event.extend_from_slice(&REPORT_DESCRIPTOR_LEN.to_ne_bytes());
    event.extend_from_slice(&BUS_USB.to_ne_bytes());
    event.extend_from_slice(&u32::from(identity.vendor_id).to_ne_bytes());
    event.extend_from_slice(&u32::from(identity.product_id).to_ne_bytes());
    event.extend_from_slice(&[0; 8]);
    event.extend_from_slice(&REPORT_DESCRIPTOR);
    event
}

/// UHID_INPUT2: size, data.
fn input2(report: &Report) -> Vec<u8> {
    let mut event = Vec::with_capacity(6 + report.len());
    event.extend_from_slice(&UHID_INPUT2.to_ne_bytes());
    event.extend_from_slice(&64u16.to_ne_bytes());
    event.extend_from_slice(report);
    event
}

/// The report in a UHID_OUTPUT: data 4096, size, report type. Data begins with the report id 0.
fn output(event: &[u8]) -> Option<Report> {
    let (&kind, rest) = event.split_first_chunk::<4>()?;
    if u32::from_ne_bytes(kind) != UHID_OUTPUT {
        return None;
    }
    let (data, tail) = rest.split_at_checked(UHID_DATA_MAX)?;
    let size = usize::from(u16::from_ne_bytes(*tail.first_chunk()?));
    data.get(..size)?.strip_prefix(&[0])?.try_into().ok()
}

/// Text in a field of `size` bytes, the last of which stays 0.
fn push_text(event: &mut Vec<u8>, text: &str, size: usize) {
    let end = event.len() + size;
    let mut cut = text.len().min(size - 1);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    event.extend_from_slice(&text.as_bytes()[..cut]);
    event.resize(end, 0);
}

const UHID_DESTROY: u32 = 1;
const UHID_OUTPUT: u32 = 6;
const UHID_CREATE2: u32 = 11;
const UHID_INPUT2: u32 = 12;
const BUS_USB: u16 = 0x03;
const UHID_DATA_MAX: usize = 4096;
const EVENT_LEN: usize = 4 + 128 + 64 + 64 + 2 + 2 + 16 + UHID_DATA_MAX;
const CREATE2_HEAD: usize = EVENT_LEN - UHID_DATA_MAX;
const RETRY: Duration = Duration::from_secs(1);

const REPORT_DESCRIPTOR_LEN: u16 = 34;
const REPORT_DESCRIPTOR: [u8; 34] = [
    0x06, 0xD0, 0xF1, // usage page (FIDO alliance)
    0x09, 0x01, // usage (U2F authenticator device)
    0xA1, 0x01, // collection (application)
    0x09, 0x20, //   usage (data in)
    0x15, 0x00, //   logical minimum 0
    0x26, 0xFF, 0x00, //   logical maximum 255
    0x75, 0x08, //   report size 8
    0x95, 0x40, //   report count 64
    0x81, 0x02, //   input (data, variable, absolute)
    0x09, 0x21, //   usage (data out)
    0x15, 0x00, //   logical minimum 0
    0x26, 0xFF, 0x00, //   logical maximum 255
    0x75, 0x08, //   report size 8
    0x95, 0x40, //   report count 64
    0x91, 0x02, //   output (data, variable, absolute)
    0xC0, // end collection
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_event_gives_its_report_without_the_report_id() {
        let mut event = UHID_OUTPUT.to_ne_bytes().to_vec();
        event.push(0);
        event.extend([0xAB; 64]);
        event.resize(4 + UHID_DATA_MAX, 0);
        event.extend(65u16.to_ne_bytes());
        event.push(1);
        assert_eq!(output(&event), Some([0xAB; 64]));
    }

    #[test]
    fn other_events_and_odd_sizes_give_none() {
        assert_eq!(output(&2u32.to_ne_bytes()), None, "UHID_START");
        for size in [64u16, 66, 5000] {
            let mut event = UHID_OUTPUT.to_ne_bytes().to_vec();
            event.resize(4 + UHID_DATA_MAX, 0);
            event.extend(size.to_ne_bytes());
            event.push(1);
            assert_eq!(output(&event), None, "size {size}");
        }
        assert_eq!(output(&[]), None);
    }

    #[test]
    fn a_create_event_has_the_kernels_layout() {
        let identity = Identity {
            name: "key-1".into(),
            vendor_id: 0x1234,
            product_id: 0x0001,
            manufacturer: "Keysteward".into(),
            product: "Virtual Key".into(),
            serial: Some("ß".repeat(40)),
        };
        let event = create2(&identity);
        assert_eq!(event.len(), CREATE2_HEAD + 34);
        assert!(event[4..].starts_with(b"Keysteward Virtual Key\0"));
        assert!(event[4 + 128..].starts_with(b"keysteward/key-1\0"));
        let serial = &event[4 + 192..4 + 256];
        assert_eq!(
            &serial[..62],
            "ß".repeat(31).as_bytes(),
            "cut between letters"
        );
        assert_eq!(serial[62..], [0, 0]);
        assert_eq!(event[260..264], [34, 0, 3, 0].map(|b: u8| b));
        assert_eq!(event[264..268], 0x1234u32.to_ne_bytes());
    }
}
