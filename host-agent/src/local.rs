//! The listener for callers on this machine: a socket of mode 0660, and who is at its other end.
//!
//! File permissions say who can connect; the kernel says who did (SO_PEERCRED), and that is
//! checked once more, since a folder above the socket may be laxer than meant. Whatever a caller
//! does is logged and journaled under their name, and the server sees it at its next Hello.

use std::{fs, io, os::unix::fs::PermissionsExt as _};

use futures::{StreamExt as _, future::ready};
use nix::unistd::{Gid, Group, Uid, User, chown, getgrouplist};
use tokio::net::{UnixListener, UnixStream, unix::UCred};
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Status,
    service::{InterceptorLayer, Routes},
    transport::{Server, server::UdsConnectInfo},
};

use crate::{agent::ServeError, rpc::caller::Caller, settings::LocalSocket};

/// Serves `routes` on the socket until `shutdown`; what runs then is let finish.
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
        .serve_with_incoming_shutdown(admitted, shutdown.cancelled_owned())
        .await;
    drop(fs::remove_file(&settings.path));
    Ok(served?)
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
    let admitted = may_call(&peer, group);
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
fn may_call(peer: &UCred, group: Option<Gid>) -> bool {
    let uid = Uid::from_raw(peer.uid());
    uid.is_root()
        || uid == Uid::effective()
        || group.is_some_and(|group| peer.gid() == group.as_raw() || is_member(uid, group))
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
#[expect(clippy::result_large_err, reason = "the shape of an interceptor")]
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
