//! Plug-in and unplug of USB keys, without waking up in between.
//!
//! On Linux, inotify on `/dev`: a node appears, its permissions change when udev has looked at it,
//! it disappears. Nothing but the kernel is needed, in containers and minimal guests too. Elsewhere
//! the devices are enumerated every second.

use std::{collections::BTreeSet, io};

use super::{Listener, Notice, Place, Port, hid};

/// Stack of the watching thread: enumeration reads sysfs, and no more.
const STACK: usize = 128 * 1024;

/// The keys that were told of.
struct Seen {
    listener: Listener,
    places: BTreeSet<Place>,
}

impl Seen {
    /// Tells of what came and went since the last scan.
    fn scan(&mut self) {
        let found = match hid::scan() {
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
                    port: Port::Hid(port),
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
    use std::{os::fd::AsFd as _, os::unix::net::UnixStream, thread};

    use nix::{
        poll::{PollFd, PollFlags, PollTimeout, poll},
        sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent},
    };

    use super::*;

    const DEV: &str = "/dev";

    /// The watching thread; it ends when this is dropped.
    #[derive(Debug)]
    pub(in super::super) struct Hotplug {
        _running: UnixStream,
    }

    impl Hotplug {
        /// Tells of the keys that are there, then of each change.
        pub(in super::super) fn start(listener: Listener) -> io::Result<Self> {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
            inotify.add_watch(
                DEV,
                AddWatchFlags::IN_CREATE
                    | AddWatchFlags::IN_DELETE
                    | AddWatchFlags::IN_ATTRIB
                    | AddWatchFlags::IN_MOVED_TO,
            )?;
            let (running, stopped) = UnixStream::pair()?;
            thread::Builder::new()
                .name("hotplug".to_owned())
                .stack_size(STACK)
                .spawn(move || watch(listener, &inotify, &stopped))?;
            Ok(Self { _running: running })
        }
    }

    fn watch(listener: Listener, inotify: &Inotify, stopped: &UnixStream) {
        let mut seen = Seen {
            listener,
            places: BTreeSet::new(),
        };
        seen.scan();
        loop {
            let mut waiting = [
                PollFd::new(inotify.as_fd(), PollFlags::POLLIN),
                PollFd::new(stopped.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut waiting, PollTimeout::NONE) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(error) => {
                    tracing::error!(%error, "keys that are plugged in are no longer noticed");
                    return;
                }
            }
            if waiting[1].any() == Some(true) {
                return;
            }
            if waiting[0].any() == Some(true) {
                seen.handle(inotify.read_events().unwrap_or_default());
            }
        }
    }

    impl Seen {
        fn handle(&mut self, events: Vec<InotifyEvent>) {
            let mut anything = false;
            for event in events {
                let Some(name) = event.name.as_ref().and_then(|name| name.to_str()) else {
                    continue;
                };
                if !name.starts_with("hidraw") {
                    continue;
                }
                anything = true;
                let place = format!("{DEV}/{name}");
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

    use super::*;

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
                    let mut seen = Seen {
                        listener,
                        places: BTreeSet::new(),
                    };
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
