//! Keys on USB, through hidapi. CTAP 2.3 §11.2.8: usage page 0xF1D0, usage 0x01.

use std::{ffi::CString, fs, io, path::Path, time::Duration};

use hidapi::{DeviceInfo, HidApi, HidDevice, HidResult};
use keysteward_core::ctaphid::Report;

use super::{Description, Kind, LinkError, UsbPosition};

const FIDO_USAGE_PAGE: u16 = 0xf1d0;
const FIDO_USAGE: u16 = 0x01;

/// Reports that may lie in a hidraw's queue from before we asked anything.
const QUEUE: usize = 64;

/// A key that is plugged in.
#[derive(Debug)]
pub(crate) struct HidPort {
    path: CString,
}

/// A key that is open.
pub(crate) struct HidLink {
    device: HidDevice,
}

impl std::fmt::Debug for HidLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HidLink").finish_non_exhaustive()
    }
}

/// Every FIDO key that is plugged in, by device path.
pub(super) fn scan() -> HidResult<Vec<(String, Description, HidPort)>> {
    let api = HidApi::new()?;
    let keys = api
        .device_list()
        .filter(|device| device.usage_page() == FIDO_USAGE_PAGE && device.usage() == FIDO_USAGE);
    Ok(keys.map(describe).collect())
}

fn describe(device: &DeviceInfo) -> (String, Description, HidPort) {
    let text = |text: Option<&str>| text.unwrap_or_default().trim().to_owned();
    (
        device.path().to_string_lossy().into_owned(),
        Description {
            kind: Kind::Hid,
            vendor_id: device.vendor_id(),
            product_id: device.product_id(),
            manufacturer: text(device.manufacturer_string()),
            product: text(device.product_string()),
            serial: text(device.serial_number()),
            position: usb_position(Path::new(SYSFS), &device.path().to_string_lossy()),
            ..Description::default()
        },
        HidPort {
            path: device.path().to_owned(),
        },
    )
}

const SYSFS: &str = "/sys";

/// Where the USB device of a hidraw is plugged in, which Linux tells in sysfs: the first of the
/// folders above it that is one of a USB device.
fn usb_position(sysfs: &Path, hidraw: &str) -> Option<UsbPosition> {
    let name = Path::new(hidraw).file_name()?;
    let device = fs::canonicalize(sysfs.join("class/hidraw").join(name).join("device")).ok()?;
    let number = |folder: &Path, file: &str| -> Option<u8> {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        text.trim().parse().ok()
    };
    device.ancestors().find_map(|folder| {
        Some(UsbPosition {
            bus: number(folder, "busnum")?,
            device: number(folder, "devnum")?,
        })
    })
}

impl HidPort {
    #[cfg(test)]
    pub(super) fn at(path: &str) -> Self {
        Self {
            path: CString::new(path).unwrap(),
        }
    }

    /// Opens the key and forgets what it said to others before.
    pub(super) fn open(&mut self) -> Result<HidLink, LinkError> {
        let device = HidApi::new()
            .and_then(|api| api.open_path(&self.path))
            .map_err(|error| self.why_not(&error))?;
        let mut link = HidLink { device };
        for _ in 0..QUEUE {
            if link.receive(Duration::ZERO)?.is_none() {
                break;
            }
        }
        Ok(link)
    }

    /// hidapi gives the system's error as words alone, so the system is asked again.
    fn why_not(&self, error: &hidapi::HidError) -> LinkError {
        let path = self.path.to_string_lossy().into_owned();
        let opened = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(Path::new(&path));
        match opened.map_err(|error| error.kind()) {
            Err(io::ErrorKind::NotFound) => LinkError::Gone,
            Err(io::ErrorKind::PermissionDenied) => LinkError::NotPermitted { path },
            _ => LinkError::System {
                path,
                reason: error.to_string(),
            },
        }
    }
}

impl HidLink {
    pub(super) fn send(&mut self, report: &Report) -> Result<(), LinkError> {
        // In front stands the report id: 0, there is only one.
        let mut numbered = [0; 65];
        numbered[1..].copy_from_slice(report);
        self.device.write(&numbered).map_err(|_| LinkError::Gone)?;
        Ok(())
    }

    pub(super) fn receive(&mut self, patience: Duration) -> Result<Option<Report>, LinkError> {
        let mut report = [0; 64];
        let patience = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        let read = self
            .device
            .read_timeout(&mut report, patience)
            .map_err(|_| LinkError::Gone)?;
        Ok((read > 0).then_some(report))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_rule_that_is_installed_gives_keys_to_the_agents_user() {
        let rule = include_str!("../../linux/71-keysteward-agent.rules");
        let unit = include_str!("../../linux/keysteward-agent.service");
        let user = unit.lines().find_map(|line| line.strip_prefix("User="));
        let rules: Vec<_> = rule.lines().filter(|line| !line.starts_with('#')).collect();
        let [rule] = rules.as_slice() else {
            panic!("{rules:?}");
        };
        let group = format!("GROUP=\"{}\"", user.unwrap());
        for part in ["SUBSYSTEM==\"hidraw\"", "ENV{ID_FIDO_TOKEN}==\"1\"", &group] {
            assert!(rule.split(", ").any(|one| one == part), "{part}: {rule}");
        }
        let path = "/dev/hidraw0".to_owned();
        let told = LinkError::NotPermitted { path }.to_string();
        assert!(told.contains("udev rule"), "{told}");
    }

    #[test]
    fn a_key_is_where_the_first_usb_device_above_it_is() {
        let sysfs = tempfile::tempdir().unwrap();
        let port = sysfs.path().join("devices/usb3/3-2");
        let hid = port.join("3-2:1.0/0003:1050:0407.0001");
        let virtual_hid = sysfs
            .path()
            .join("devices/virtual/uhid/0003:1234:0001.0002");
        let class = sysfs.path().join("class/hidraw");
        for (name, device) in [("hidraw0", &hid), ("hidraw1", &virtual_hid)] {
            fs::create_dir_all(device).unwrap();
            fs::create_dir_all(class.join(name)).unwrap();
            std::os::unix::fs::symlink(device, class.join(name).join("device")).unwrap();
        }
        for (folder, bus, device) in [("devices/usb3", "3", "1"), ("devices/usb3/3-2", "3", "17")] {
            let folder = sysfs.path().join(folder);
            fs::write(folder.join("busnum"), format!("{bus}\n")).unwrap();
            fs::write(folder.join("devnum"), format!("{device}\n")).unwrap();
        }
        let position = usb_position(sysfs.path(), "/dev/hidraw0");
        assert_eq!(position, Some(UsbPosition { bus: 3, device: 17 }));
        assert_eq!(usb_position(sysfs.path(), "/dev/hidraw1"), None);
        assert_eq!(usb_position(sysfs.path(), "/dev/hidraw2"), None);
    }
}
