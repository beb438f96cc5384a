//! Plug-in and unplug of USB keys, without waking up in between.
//!
//! On Linux, inotify on `/dev`: a node appears, its permissions change when udev has looked at it,
//! it disappears. Nothing but the kernel is needed, in containers and minimal guests too. Elsewhere
//! the devices are enumerated every second.

use std::{collections::BTreeSet, io};

use hidapi::HidResult;

use super::{
    Description, Listener, Notice, Place, Port, ReportPort,
    hid::{self, HidPort},
};

/// Stack of the watching thread: enumeration reads sysfs, and no more.
const STACK: usize = 128 * 1024;

/// Finds every key that is plugged in.
type Scan = Box<dyn Fn() -> HidResult<Vec<(Place, Description, HidPort)>> + Send>;

/// The keys that were told of.
struct Seen {
    listener: Listener,
    scan: Scan,
    places: BTreeSet<Place>,
}

impl Seen {
    const fn nothing(listener: Listener, scan: Scan) -> Self {
        Self {
            listener,
            scan,
            places: BTreeSet::new(),
        }
    }

    /// Tells of what came and went since the last scan.
    fn scan(&mut self) {
        let found = match (self.scan)() {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "cannot enumerate HID devices");
                return;
            }
        };
        let now: BTreeSet<Place> = found.iter().map(|(place, ..)| place.clone()).collect();
        for gone in self.places.difference(&now) {
            (self.listener)(Notice::Went {
                place: gone.clone(),
            });
        }
        for (place, description, port) in found {
            if !self.places.contains(&place) {
                (self.listener)(Notice::Came {
                    place,
                    description,
                    port: Port::Reports(ReportPort::Hid(port)),
                });
            }
        }
        self.places = now;
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::Hotplug;
#[cfg(not(target_os = "linux"))]
pub(super) use polling::Hotplug;

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        os::fd::AsFd as _,
        os::unix::net::UnixStream,
        path::{Path, PathBuf},
        thread,
    };

    use nix::{
        errno::Errno,
        poll::{PollFd, PollFlags, PollTimeout, poll},
        sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent},
    };

    use super::{Listener, Notice, STACK, Scan, Seen, hid, io};

    /// The watching thread; it ends when this is dropped.
    #[derive(Debug)]
    pub(in super::super) struct Hotplug {
        _running: UnixStream,
    }

    impl Hotplug {
        /// Tells of the keys that are there, then of each change.
        pub(in super::super) fn start(listener: Listener) -> io::Result<Self> {
            Self::watch(Path::new("/dev"), listener, Box::new(hid::scan))
        }

        pub(super) fn watch(folder: &Path, listener: Listener, scan: Scan) -> io::Result<Self> {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
            inotify.add_watch(
                folder,
                AddWatchFlags::IN_CREATE
                    | AddWatchFlags::IN_DELETE
                    | AddWatchFlags::IN_ATTRIB
                    | AddWatchFlags::IN_MOVED_TO,
            )?;
            let (running, stopped) = UnixStream::pair()?;
            let folder = folder.to_owned();
            thread::Builder::new()
                .name("hotplug".to_owned())
                .stack_size(STACK)
                .spawn(move || {
                    // After the watch began, so that nothing falls in between.
                    let mut seen = Seen::nothing(listener, scan);
                    seen.scan();
                    while let Some(events) = next(&inotify, &stopped) {
                        seen.handle(&folder, events);
                    }
                })?;
            Ok(Self { _running: running })
        }
    }

    /// Sleeps until something happens; `None` when it is time to stop.
    fn next(inotify: &Inotify, stopped: &UnixStream) -> Option<Vec<InotifyEvent>> {
        loop {
            let mut waiting = [
                PollFd::new(inotify.as_fd(), PollFlags::POLLIN),
                PollFd::new(stopped.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(Errno::EINTR) => {}
                Err(error) => {
                    tracing::error!(%error, "keys that are plugged in are no longer noticed");
                    return None;
                }
                Ok(_) if waiting[1].any() == Some(true) => return None,
                // An overflow of the queue gives an event without a name, and a scan.
                Ok(_) => return Some(inotify.read_events().unwrap_or_default()),
            }
        }
    }

    impl Seen {
        fn handle(&mut self, folder: &Path, events: Vec<InotifyEvent>) {
            let mut anything = false;
            for event in events {
                let name = event.name.unwrap_or_default();
                let is_key = name.to_string_lossy().starts_with("hidraw");
                let overflow = event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
                if !is_key && !overflow {
                    continue;
                }
                anything = true;
                let place: PathBuf = folder.join(name);
                let place = place.to_string_lossy().into_owned();
                // A scan alone would miss a key that went while another took its node.
                if event.mask.contains(AddWatchFlags::IN_DELETE) && self.places.remove(&place) {
                    (self.listener)(Notice::Went { place });
                } else if event.mask.contains(AddWatchFlags::IN_ATTRIB)
                    && self.places.contains(&place)
                {
                    (self.listener)(Notice::Changed { place });
                }
            }
            if anything {
                self.scan();
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod polling {
    use std::{
        sync::{Arc, Condvar, Mutex, PoisonError},
        thread,
        time::Duration,
    };

    use super::{Listener, STACK, Seen, hid, io};

    const PERIOD: Duration = Duration::from_secs(1);

    /// The watching thread; it ends when this is dropped.
    #[derive(Debug)]
    pub(in super::super) struct Hotplug {
        stop: Arc<(Mutex<bool>, Condvar)>,
    }

    impl Hotplug {
        /// Tells of the keys that are there, then of each change.
        pub(in super::super) fn start(listener: Listener) -> io::Result<Self> {
            let stop = Arc::new((Mutex::new(false), Condvar::new()));
            let stopped = Arc::clone(&stop);
            thread::Builder::new()
                .name("hotplug".to_owned())
                .stack_size(STACK)
                .spawn(move || {
                    let mut seen = Seen::nothing(listener, Box::new(hid::scan));
                    let (flag, told) = &*stopped;
                    let mut stop = flag.lock().unwrap_or_else(PoisonError::into_inner);
                    while !*stop {
                        seen.scan();
                        stop = told
                            .wait_timeout(stop, PERIOD)
                            .unwrap_or_else(PoisonError::into_inner)
                            .0;
                    }
                })?;
            Ok(Self { stop })
        }
    }

    impl Drop for Hotplug {
        fn drop(&mut self) {
            let (flag, told) = &*self.stop;
            *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
            told.notify_all();
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        fs,
        os::unix::fs::PermissionsExt as _,
        path::Path,
        sync::{Arc, mpsc},
        time::Duration,
    };

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// A folder in which the files named `hidraw..` are keys.
    fn watched(folder: &Path) -> (Hotplug, mpsc::Receiver<String>) {
        let (told, notices) = mpsc::channel();
        let listener: Listener = Arc::new(move |notice| {
            let (word, place) = match notice {
                Notice::Came { place, .. } => ("came", place),
                Notice::Changed { place } => ("changed", place),
                Notice::Went { place } => ("went", place),
            };
            let name = Path::new(&place).file_name().unwrap().to_str().unwrap();
            drop(told.send(format!("{word} {name}")));
        });
        let scanned = folder.to_owned();
        let scan = Box::new(move || {
            let files = fs::read_dir(&scanned)
                .unwrap()
                .map(|file| file.unwrap().path());
            let keys = files.filter(|path| path.to_str().unwrap().contains("hidraw"));
            Ok(keys
                .map(|path| {
                    let place = path.to_str().unwrap().to_owned();
                    let port = HidPort::at(&place);
                    (place, Description::default(), port)
                })
                .collect())
        });
        (Hotplug::watch(folder, listener, scan).unwrap(), notices)
    }

    #[test]
    fn keys_are_told_of_when_they_are_there_come_change_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("hidraw0"), "").unwrap();
        let (_hotplug, notices) = watched(folder.path());
        let next = || notices.recv_timeout(SOON).unwrap();
        assert_eq!(next(), "came hidraw0");
        fs::write(path("tty0"), "").unwrap();
        fs::write(path("hidraw1"), "").unwrap();
        assert_eq!(next(), "came hidraw1");
        // udev gives it to its users.
        fs::set_permissions(path("hidraw1"), fs::Permissions::from_mode(0o660)).unwrap();
        assert_eq!(next(), "changed hidraw1");
        fs::remove_file(path("hidraw0")).unwrap();
        assert_eq!(next(), "went hidraw0");
    }

    #[test]
    fn a_key_that_takes_the_place_of_another_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hidraw0");
        fs::write(&path, "").unwrap();
        let (_hotplug, notices) = watched(folder.path());
        let next = || notices.recv_timeout(SOON).unwrap();
        assert_eq!(next(), "came hidraw0");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(next(), "went hidraw0");
        assert_eq!(next(), "came hidraw0");
    }

    #[test]
    fn a_watch_that_is_dropped_ends_its_thread() {
        let folder = tempfile::tempdir().unwrap();
        let (hotplug, notices) = watched(folder.path());
        drop(hotplug);
        // The thread held the sender.
        assert_eq!(
            notices.recv_timeout(SOON),
            Err(mpsc::RecvTimeoutError::Disconnected)
        );
    }
}
