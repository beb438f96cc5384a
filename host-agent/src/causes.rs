//! An error and what caused it, on one line: for logs and callers, who see no chain of sources.

use std::{error::Error, fmt};

/// Shows an error, then each of its sources behind a colon, as `{:#}` of anyhow does.
pub(crate) struct Causes<'e>(pub(crate) &'e dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error) = self;
        error.fmt(f)?;
        let mut source = error.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::PathBuf};

    use super::*;
    use crate::{
        agent::StartError, journal::JournalError, settings::ServerAddress,
        transport::TransportStartError, uplink::DialError, uplink::identity::IdentityError,
    };

    #[test]
    fn every_cause_is_told_once() {
        let denied = || io::Error::new(io::ErrorKind::PermissionDenied, "permission denied");
        let address = || ServerAddress {
            host: "keys.example".to_owned(),
            port: 8443,
        };
        let errors: [Box<dyn Error + Send + Sync>; 6] = [
            Box::new(StartError::Journal(JournalError::Folder {
                path: PathBuf::from("/state"),
                source: denied(),
            })),
            Box::new(StartError::Transport(TransportStartError::Socket {
                path: "/tokens".to_owned(),
                source: denied(),
            })),
            Box::new(TransportStartError::Hotplug(denied())),
            Box::new(IdentityError::File {
                path: PathBuf::from("/identity"),
                source: denied(),
            }),
            Box::new(DialError::Unreachable {
                address: address(),
                source: denied(),
            }),
            Box::new(DialError::Handshake {
                address: address(),
                source: denied(),
            }),
        ];
        for error in errors {
            let told = Causes(&*error).to_string();
            assert_eq!(told.matches("permission denied").count(), 1, "{told}");
            assert_eq!(told, format!("{:#}", anyhow::Error::from_boxed(error)));
        }
    }
}
