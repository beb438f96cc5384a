//! Desktop notifications: `notify-send`, as each user who has a session.

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use nix::unistd::{Uid, User};

/// Folders of users who are signed in; each session's message bus is the socket `bus`.
const RUN_USER: &str = "/run/user";

/// For how long the notification stays, in milliseconds.
const STAYS_MS: &str = "20000";

/// Stack of the thread that waits for `notify-send`, so that it leaves no zombie.
const STACK: usize = 64 * 1024;

pub(super) fn notify(request: &str, purpose: &str) {
    for bus in buses(Path::new(RUN_USER)) {
        let mut command = notification(&bus, request, purpose);
        let Ok(mut child) = command.spawn() else {
            tracing::debug!("notify-send is not installed; the request stands in the log alone");
            return;
        };
        let waiting = thread::Builder::new()
            .name("notify-send".to_owned())
            .stack_size(STACK)
            .spawn(move || child.wait());
        if let Err(error) = waiting {
            tracing::debug!(%error, "cannot wait for notify-send");
        }
    }
}

/// A session's message bus and its user.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Bus {
    socket: PathBuf,
    uid: u32,
}

/// The buses that this process may speak to: its own user's, and for root everybody's.
fn buses(run_user: &Path) -> Vec<Bus> {
    let me = Uid::effective();
    let folders = fs::read_dir(run_user).into_iter().flatten().flatten();
    folders
        .filter_map(|folder| {
            let socket = folder.path().join("bus");
            let metadata = fs::metadata(&socket).ok()?;
            let uid = metadata.uid();
            let reachable = me.is_root() || uid == me.as_raw();
            (metadata.file_type().is_socket() && reachable).then_some(Bus { socket, uid })
        })
        .collect()
}

/// The texts are arguments of their own; no shell sees them.
fn notification(bus: &Bus, request: &str, purpose: &str) -> Command {
    let mut command = Command::new("notify-send");
    command
        .args([
            "--app-name=Keysteward",
            "--urgency=critical",
            "--icon=dialog-password",
        ])
        .arg(format!("--expire-time={STAYS_MS}"))
        .args(["--", request])
        .arg(without_markup(purpose))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", bus.socket.display()),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if Uid::effective().as_raw() != bus.uid {
        // The bus believes its own user alone.
        command.uid(bus.uid);
        if let Ok(Some(user)) = User::from_uid(Uid::from_raw(bus.uid)) {
            command.gid(user.gid.as_raw());
        }
    }
    command
}

/// The body of a notification may hold markup; a purpose is text.
fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_sockets_of_reachable_users_are_buses() {
        let folder = tempfile::tempdir().unwrap();
        let with = folder.path().join("1000");
        fs::create_dir(&with).unwrap();
        let _bus = UnixListener::bind(with.join("bus")).unwrap();
        let without = folder.path().join("1001");
        fs::create_dir(&without).unwrap();
        fs::write(without.join("bus"), "a file").unwrap();
        let found = buses(folder.path());
        assert_eq!(
            found,
            [Bus {
                socket: with.join("bus"),
                uid: Uid::effective().as_raw(),
            }]
        );
    }

    #[test]
    fn a_purpose_is_shown_as_text() {
        let bus = Bus {
            socket: "/run/user/1/bus".into(),
            uid: Uid::effective().as_raw(),
        };
        let command = notification(&bus, "--touch", "<b>now</b> & then");
        let args: Vec<_> = command
            .get_args()
            .map(|arg| arg.to_str().unwrap())
            .collect();
        let [.., end_of_options, request, body] = &args[..] else {
            panic!("{args:?}");
        };
        assert_eq!(*end_of_options, "--");
        assert_eq!(*request, "--touch");
        assert_eq!(*body, "&lt;b&gt;now&lt;/b&gt; &amp; then");
    }
}
