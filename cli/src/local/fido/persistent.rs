//! A persistent token in a file: the credentials are read without a PIN.

use std::{fs, io, path::Path};

use keysteward_proto::agent::v1::{self as wire, step::Verb, step_result::Result as Outcome};

use super::{
    Key, Keys, OTHER, open,
    user::{Proven, Wanted},
};
use crate::{
    command::secret_file,
    connect::Agent,
    failure::{Failure, Result},
    local::lease::Lease,
};

/// What the file holds; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file(path)(error)),
    };
    hex::decode(text.trim()).map(Some).map_err(|_| {
        Failure::wrong(
            "--persistent-token",
            format!("{}, which holds something else", path.display()),
            "a file that this command wrote, or one that does not exist yet",
        )
    })
}

/// A lease, and the persistent token of its key.
pub(super) struct Held {
    pub(super) presence_id: String,
    pub(super) lease: Lease<Keys>,
    pub(super) token: Vec<u8>,
}

/// Takes the token from the file. Where there is none yet, the person proves once to be the key's
/// user, and the file is written.
pub(super) async fn hold(agent: &Agent, key: &Key, path: &Path, purpose: &str) -> Result<Held> {
    if let Some(token) = read(path)? {
        let (presence_id, lease) = open(agent, &key.which, purpose).await?;
        return Ok(Held {
            presence_id,
            lease,
            token,
        });
    }
    let proven = Proven::find(agent, key, Wanted::Always).await?;
    let mut lease = proven.lease(agent, purpose).await?;
    let verb = Verb::GrantPersistentToken(wire::GrantPersistentToken { pin: proven.pin });
    let Outcome::PersistentTokenGranted(granted) = lease.read(verb).await? else {
        return Err(OTHER);
    };
    // From here on the token is all the proof that there is.
    lease.speak(Keys::default());
    let text = zeroize::Zeroizing::new(hex::encode(&granted.persistent_token));
    secret_file::write(path, &text)?;
    Ok(Held {
        presence_id: proven.token.presence_id,
        lease,
        token: granted.persistent_token,
    })
}
