//! Card master keys in a PKCS #11 token: made there, never seen here.
//!
//! A generation is a generic secret of 32 bytes, sensitive and not extractable; what
//! the server asks of it is HMAC-SHA-256 (`CKM_SHA256_HMAC`). PKCS #11 2.40, so that
//! any token of the last fifteen years will do. One session is kept, and opened again
//! when the token was taken away, restarted or lost its login.

use std::{
    fmt,
    fs::File,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11 as Module},
    error::{Error as ModuleError, RvError},
    mechanism::{Mechanism, MechanismType},
    object::{Attribute, KeyType, ObjectClass, ObjectHandle},
    session::{Session, SessionState, UserType},
    slot::Slot,
    types::AuthPin,
};
use zeroize::Zeroizing;

use super::{Error, Hsm};

/// `[hsm]`: where card master keys are kept outside the database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pkcs11Settings {
    /// `hsm.module`: the vendor's library.
    pub module: PathBuf,
    /// `hsm.token`: the token's label.
    pub token: String,
    /// `hsm.pin_file`: the user's PIN, in a file of mode 0600.
    pub pin_file: PathBuf,
}

/// Why a token does not serve.
#[derive(Debug, thiserror::Error)]
pub enum Pkcs11Error {
    /// The vendor's library.
    #[error("cannot load {path}: {why}; name the vendor's PKCS #11 library in hsm.module")]
    Library {
        /// The setting.
        path: PathBuf,
        /// Its loader's words.
        why: String,
    },
    /// No token has the label, or more than one.
    #[error(
        "{found} tokens are called {label:?}, one is needed; there are: {}; set hsm.token",
        listed(.there)
    )]
    Token {
        /// The setting.
        label: String,
        /// How many.
        found: usize,
        /// What the tokens there are called.
        there: Vec<String>,
    },
    /// The token has no such mechanism.
    #[error("the token {label:?} has no {mechanism}, which card master keys need")]
    Mechanism {
        /// The token's.
        label: String,
        /// `CKM_`...
        mechanism: &'static str,
    },
    /// The file with the PIN.
    #[error("cannot read the token's PIN from {path} (hsm.pin_file): {why}")]
    PinFile {
        /// The setting.
        path: PathBuf,
        /// The system's words, or the mode.
        why: String,
    },
    /// Trying on would block it.
    #[error(
        "the token refuses the PIN in {path} (hsm.pin_file), {why}; correct it before the next start, for wrong ones block the token"
    )]
    Pin {
        /// The setting.
        path: PathBuf,
        /// The token's words.
        why: String,
    },
    /// There is none of that label, or more than one.
    #[error(
        "the token holds {found} keys called {label:?}, one is needed: restore the token from its backup"
    )]
    Key {
        /// The key's.
        label: String,
        /// How many.
        found: usize,
    },
    /// It would be taken for another one.
    #[error("the token holds a key called {label:?} already")]
    Exists {
        /// The key's.
        label: String,
    },
    /// Not 32 bytes.
    #[error("the token's HMAC-SHA-256 is {found} bytes long")]
    Answer {
        /// Bytes.
        found: usize,
    },
    /// The token refused for another reason.
    #[error("it refused: {0}")]
    Refused(#[from] ModuleError),
}

impl From<Pkcs11Error> for Error {
    fn from(error: Pkcs11Error) -> Self {
        Self::Hsm(error.to_string())
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    names.join(", ")
}

/// A token that keeps card master keys.
pub struct Pkcs11 {
    settings: Pkcs11Settings,
    module: Module,
    pin: AuthPin,
    session: Mutex<Option<Session>>,
}

impl fmt::Debug for Pkcs11 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Pkcs11 {
    /// Finds the token, logs in, and checks that it has what is needed.
    ///
    /// # Errors
    /// Whatever would keep it from serving later.
    pub fn open(settings: Pkcs11Settings) -> Result<Self, Pkcs11Error> {
        let library = |error: ModuleError| Pkcs11Error::Library {
            path: settings.module.clone(),
            why: error.to_string(),
        };
        let module = Module::new(&settings.module).map_err(library)?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // By another user of the same library in this process.
            Ok(()) | Err(ModuleError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(library(error)),
        }
        let token = Self {
            pin: pin(&settings)?,
            settings,
            module,
            session: Mutex::new(None),
        };
        let slot = token.slot()?;
        let mechanisms = token.module.get_mechanism_list(slot)?;
        for (mechanism, name) in [
            (MechanismType::SHA256_HMAC, "CKM_SHA256_HMAC"),
            (
                MechanismType::GENERIC_SECRET_KEY_GEN,
                "CKM_GENERIC_SECRET_KEY_GEN",
            ),
        ] {
            if !mechanisms.contains(&mechanism) {
                return Err(Pkcs11Error::Mechanism {
                    label: token.settings.token.clone(),
                    mechanism: name,
                });
            }
        }
        token.with_session(|_| Ok(()))?;
        Ok(token)
    }

    fn slot(&self) -> Result<Slot, Pkcs11Error> {
        let mut there = Vec::new();
        let mut found = Vec::new();
        for slot in self.module.get_slots_with_initialized_token()? {
            let info = self.module.get_token_info(slot)?;
            if info.label() == self.settings.token {
                found.push(slot);
            }
            there.push(info.label().to_owned());
        }
        match found.as_slice() {
            [slot] => Ok(*slot),
            _ => Err(Pkcs11Error::Token {
                label: self.settings.token.clone(),
                found: found.len(),
                there,
            }),
        }
    }

    fn log_in(&self) -> Result<Session, Pkcs11Error> {
        let session = self.module.open_rw_session(self.slot()?)?;
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(ModuleError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(ModuleError::Pkcs11(
                why @ (RvError::PinIncorrect
                | RvError::PinLocked
                | RvError::PinExpired
                | RvError::PinInvalid
                | RvError::PinLenRange),
                _,
            )) => Err(Pkcs11Error::Pin {
                path: self.settings.pin_file.clone(),
                why: why.to_string(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks the token, in the session that is kept as long as it is logged in.
    fn with_session<R>(
        &self,
        ask: impl FnOnce(&Session) -> Result<R, Pkcs11Error>,
    ) -> Result<R, Pkcs11Error> {
        let mut kept = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a login a token shows no private key, and would seem to have lost it.
        let session = match kept.take().filter(is_logged_in) {
            Some(session) => session,
            None => self.log_in()?,
        };
        ask(kept.insert(session))
    }
}

impl Hsm for Pkcs11 {
    fn make(&self, label: &str) -> Result<(), Error> {
        Ok(self.with_session(|session| {
            if !keys(session, label)?.is_empty() {
                return Err(Pkcs11Error::Exists {
                    label: label.to_owned(),
                });
            }
            session.generate_key(
                &Mechanism::GenericSecretKeyGen,
                &[
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::GENERIC_SECRET),
                    Attribute::ValueLen(32.into()),
                    Attribute::Label(label.as_bytes().to_vec()),
                    Attribute::Token(true),
                    Attribute::Private(true),
                    Attribute::Sensitive(true),
                    Attribute::Extractable(false),
                    Attribute::Modifiable(false),
                    Attribute::Sign(true),
                    Attribute::Derive(false),
                ],
            )?;
            Ok(())
        })?)
    }

    fn hmac_sha256(&self, label: &str, message: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        Ok(self.with_session(|session| {
            let found = keys(session, label)?;
            let [key] = found.as_slice() else {
                return Err(Pkcs11Error::Key {
                    label: label.to_owned(),
                    found: found.len(),
                });
            };
            let mac = Zeroizing::new(session.sign(&Mechanism::Sha256Hmac, *key, message)?);
            let mac: [u8; 32] = mac
                .as_slice()
                .try_into()
                .map_err(|_| Pkcs11Error::Answer { found: mac.len() })?;
            Ok(Zeroizing::new(mac))
        })?)
    }
}

fn keys(session: &Session, label: &str) -> Result<Vec<ObjectHandle>, Pkcs11Error> {
    Ok(session.find_objects(&[
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::Label(label.as_bytes().to_vec()),
    ])?)
}

fn is_logged_in(session: &Session) -> bool {
    session
        .get_session_info()
        .is_ok_and(|info| matches!(info.session_state(), SessionState::RwUser))
}

fn pin(settings: &Pkcs11Settings) -> Result<AuthPin, Pkcs11Error> {
    let refused = |why: String| Pkcs11Error::PinFile {
        path: settings.pin_file.clone(),
        why,
    };
    let mut file = File::open(&settings.pin_file).map_err(|error| refused(error.to_string()))?;
    let mode = file
        .metadata()
        .map_err(|error| refused(error.to_string()))?
        .permissions()
        .mode()
        & 0o777;
    if mode & 0o077 != 0 {
        return Err(refused(format!("it has mode {mode:04o}, allowed is 0600")));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text)
        .map_err(|error| refused(error.to_string()))?;
    let pin = text.trim_end_matches(['\r', '\n']);
    if pin.is_empty() {
        return Err(refused("it is empty".into()));
    }
    Ok(AuthPin::new(pin.into()))
}

#[cfg(test)]
pub(crate) mod soft_hsm;
#[cfg(test)]
mod tests;
