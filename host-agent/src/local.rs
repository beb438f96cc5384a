//! The listener for callers on this machine: a socket of mode 0660, and who is at its other end.
//!
//! File permissions say who can connect; the kernel says who did (SO_PEERCRED), and that is
//! checked once more, since a folder above the socket may be laxer than meant. Whatever a caller
//! does is logged and journaled under their name, and the server sees it at its next Hello.

use std::{fs, io, os::unix::fs::PermissionsExt as _, time::Duration};

use futures::{StreamExt as _, future::ready};
use nix::unistd::{Gid, Group, Uid, User, chown, getgrouplist};
use tokio::net::{UnixListener, UnixStream};
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Status,
    service::{InterceptorLayer, Routes},
    transport::{Server, server::UdsConnectInfo},
};

use crate::{agent::ServeError, rpc::caller::Caller, settings::LocalSocket};

/// How long calls may go on when the agent is being stopped.
const PATIENCE: Duration = Duration::from_secs(3);

/// Serves `routes` on the socket until `shutdown`, and those who call then a little longer.
pub(crate) async fn serve(
    settings: &LocalSocket,
    routes: Routes,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let group = settings.group.as_deref().map(find_group).transpose()?;
    let listener = listen(settings, group).map_err(|source| ServeError::Listen {
        path: settings.path.display().to_string(),
        source,
    })?;
    tracing::info!(path = %settings.path.display(), "listening for callers on this machine");
    let admitted = UnixListenerStream::new(listener)
        .filter(move |stream| ready(stream.as_ref().map_or(true, |s| admit(s, group))));
    let served = Server::builder()
        .layer(InterceptorLayer::new(name_caller))
        .add_routes(routes)
        .serve_with_incoming_shutdown(admitted, shutdown.clone().cancelled_owned());
    let patience = async {
        shutdown.cancelled().await;
        tokio::time::sleep(PATIENCE).await;
    };
    // A step that waits for a touch may take longer; its end goes to the journal.
    let result = tokio::select! {
        served = served => served,
        () = patience => Ok(()),
    };
    drop(fs::remove_file(&settings.path));
    Ok(result?)
}

/// Makes the socket, over one that an agent left behind when it was killed.
fn listen(settings: &LocalSocket, group: Option<Gid>) -> io::Result<UnixListener> {
    let path = &settings.path;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another program listens there",
        ));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(settings.mode))?;
    if group.is_some() {
        chown(path, None, group)?;
    }
    Ok(listener)
}

fn find_group(name: &str) -> Result<Gid, ServeError> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid),
        _ => Err(ServeError::NoGroup {
            group: name.to_owned(),
        }),
    }
}

fn admit(stream: &UnixStream, group: Option<Gid>) -> bool {
    let Ok(peer) = stream.peer_cred() else {
        tracing::warn!("refused a caller whom the kernel does not name");
        return false;
    };
    let admitted = may_call(Uid::from_raw(peer.uid()), Gid::from_raw(peer.gid()), group);
    if admitted {
        tracing::debug!(
            uid = peer.uid(),
            pid = peer.pid(),
            "a caller on this machine"
        );
    } else {
        tracing::warn!(
            uid = peer.uid(),
            pid = peer.pid(),
            "refused a caller on this machine"
        );
    }
    admitted
}

/// Root, the agent's own user, and the members of the group.
fn may_call(uid: Uid, gid: Gid, group: Option<Gid>) -> bool {
    uid.is_root()
        || uid == Uid::effective()
        || group.is_some_and(|group| gid == group || is_member(uid, group))
}

fn is_member(uid: Uid, group: Gid) -> bool {
    let Ok(Some(user)) = User::from_uid(uid) else {
        return false;
    };
    std::ffi::CString::new(user.name)
        .ok()
        .and_then(|name| getgrouplist(&name, user.gid).ok())
        .is_some_and(|groups| groups.contains(&group))
}

/// Puts the caller into the request, where the services find it.
fn name_caller(mut request: Request<()>) -> Result<Request<()>, Status> {
    let peer = request.extensions().get::<UdsConnectInfo>();
    let Some(uid) = peer.and_then(|info| info.peer_cred).map(|peer| peer.uid()) else {
        return Err(Status::unauthenticated(
            "the kernel does not name the caller",
        ));
    };
    let user = match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => format!("{} ({uid})", user.name),
        _ => uid.to_string(),
    };
    request.extensions_mut().insert(Caller::Local { user });
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of nobody on any machine.
    const STRANGER: u32 = 3_999_999;

    #[test]
    fn only_root_the_agents_user_and_the_group_may_call() {
        let (stranger, keys) = (Uid::from_raw(STRANGER), Gid::from_raw(STRANGER));
        let other = Gid::from_raw(STRANGER - 1);
        for (uid, gid, group, allowed) in [
            (Uid::from_raw(0), other, None, true),
            (Uid::effective(), other, None, true),
            (stranger, keys, Some(keys), true),
            (stranger, other, Some(keys), false),
            (stranger, keys, None, false),
        ] {
            assert_eq!(may_call(uid, gid, group), allowed, "{uid} {gid} {group:?}");
        }
    }

    #[test]
    fn members_by_the_group_file_may_call() {
        let me = User::from_uid(Uid::effective()).unwrap().unwrap();
        assert!(is_member(me.uid, me.gid));
        assert!(!is_member(me.uid, Gid::from_raw(STRANGER)));
        assert!(!is_member(Uid::from_raw(STRANGER), me.gid));
    }

    #[test]
    fn a_group_that_does_not_exist_is_named() {
        let error = find_group("no-such-group-here").unwrap_err().to_string();
        assert!(
            error.contains("local_socket.group: found \"no-such-group-here\""),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let settings = LocalSocket {
            path: folder.path().join("deep").join("agent.sock"),
            mode: 0o660,
            group: None,
        };
        let first = listen(&settings, None).unwrap();
        let mode = fs::metadata(&settings.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let error = listen(&settings, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        assert!(settings.path.exists());
        listen(&settings, None).unwrap();
    }

    #[test]
    fn a_caller_whom_the_kernel_does_not_name_is_refused() {
        let status = name_caller(Request::new(())).unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unauthenticated);
    }
}
