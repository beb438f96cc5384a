//! A persistent token in a file: the credentials are read without a PIN.

use std::{fs, io, path::Path};

use keysteward_proto::agent::v1::{self as wire, step::Verb, step_result::Result as Outcome};

use super::{Keys, OTHER};
use crate::{
    command::secret_file,
    failure::{Failure, Result},
    local::lease::Lease,
};

/// What the file holds; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
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

/// Gets a token with the PIN and keeps it for the next time.
pub(super) async fn grant(lease: &mut Lease<Keys>, pin: &str, path: &Path) -> Result<()> {
    let verb = Verb::GrantPersistentToken(wire::GrantPersistentToken { pin: pin.into() });
    match lease.read(verb).await? {
        Outcome::PersistentTokenGranted(granted) => {
            let text = zeroize::Zeroizing::new(hex::encode(granted.persistent_token));
            secret_file::write(path, &text)
        }
        _ => Err(OTHER),
    }
}
