//! The backup's file.
//!
//! ```text
//! "keysteward backup 1\n" ‖ length of the header, 4 bytes ‖ header, JSON
//! (length, 4 bytes ‖ sealed piece of the database)*
//! ```
//! Lengths are big-endian. A piece is sealed for its place: the header's SHA-256, its number, and
//! whether it is the last. So pieces cannot be swapped, dropped, or taken from another backup.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::{BackupError, at};
use crate::{
    key_store::{Context, KeyStore},
    store::{Micros, ServerId},
};

/// What a backup says of itself, in clear.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    server: ServerId,
    taken_at: Micros,
    /// Hexadecimal.
    master_key: Option<String>,
}

impl Drop for Header {
    fn drop(&mut self) {
        self.master_key.zeroize();
    }
}

impl Header {
    pub(super) fn new(server: ServerId, taken_at: Micros, master_key: Option<&[u8]>) -> Self {
        Self {
            server,
            taken_at,
            master_key: master_key.map(hex::encode),
        }
    }

    pub(super) fn server(&self) -> ServerId {
        self.server
    }

    pub(super) fn taken_at(&self) -> Micros {
        self.taken_at
    }

    pub(super) fn master_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        let text = self.master_key.as_deref()?;
        hex::decode(text).ok().map(Zeroizing::new)
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let text = serde_json::to_vec(self)
            .unwrap_or_else(|_| unreachable!("two ids and a string are JSON"));
        Zeroizing::new(text)
    }
}

/// Seals `database` into the new file `to`. Gives the database's size.
pub(super) fn seal(
    header: &Header,
    keys: &KeyStore,
    database: &Path,
    to: &Path,
) -> Result<u64, BackupError> {
    let mut from = BufReader::new(File::open(database).map_err(at(database))?);
    let file = new_file(to).map_err(at(to))?;
    let mut out = BufWriter::new(file);
    let header = header.encode();
    let place = Place::new(&header);
    let mut write = || -> io::Result<u64> {
        out.write_all(MAGIC)?;
        out.write_all(&length_of(&header)?)?;
        out.write_all(&header)?;
        let mut bytes = 0;
        let mut piece = next_piece(&mut from)?;
        for number in 0_u64.. {
            let following = next_piece(&mut from)?;
            let last = following.is_empty();
            let sealed = place.seal(keys, number, last, &piece);
            out.write_all(&length_of(&sealed)?)?;
            out.write_all(&sealed)?;
            bytes += piece.len() as u64;
            if last {
                break;
            }
            piece = following;
        }
        out.flush()?;
        out.get_ref().sync_all()?;
        Ok(bytes)
    };
    write().map_err(|error| {
        // Half a backup is worse than none.
        let _ = fs::remove_file(to);
        at(to)(error)
    })
}

/// Reads the header; what follows it is for [`unseal`].
pub(super) fn open(path: &Path) -> Result<(Header, BufReader<File>), BackupError> {
    let mut file = BufReader::new(File::open(path).map_err(at(path))?);
    let mut magic = [0; MAGIC.len()];
    let damaged = |why| BackupError::Damaged {
        path: path.to_owned(),
        why,
    };
    file.read_exact(&mut magic)
        .map_err(|_| damaged("it is too short"))?;
    if magic != *MAGIC {
        return Err(damaged("it does not begin as one"));
    }
    let header = read_part(&mut file, LONGEST_HEADER)
        .map_err(at(path))?
        .ok_or_else(|| damaged("its header is cut off"))?;
    let header =
        serde_json::from_slice(&header).map_err(|_| damaged("its header makes no sense"))?;
    Ok((header, file))
}

/// Opens every piece into the new file `to`. Gives the database's size.
pub(super) fn unseal(
    header: &Header,
    mut sealed: BufReader<File>,
    keys: &KeyStore,
    path: &Path,
    to: &Path,
) -> Result<u64, BackupError> {
    let damaged = |why| BackupError::Damaged {
        path: path.to_owned(),
        why,
    };
    let place = Place::new(&header.encode());
    let mut out = BufWriter::new(new_file(to).map_err(at(to))?);
    let mut bytes = 0;
    let mut part = read_part(&mut sealed, LONGEST_PIECE).map_err(at(path))?;
    for number in 0_u64.. {
        let Some(this) = part else {
            return Err(damaged("it holds no database"));
        };
        part = read_part(&mut sealed, LONGEST_PIECE).map_err(at(path))?;
        let piece = place
            .open(keys, number, part.is_none(), &this)
            .ok_or_else(|| {
                damaged("a piece does not open: cut off, changed, or under another master key")
            })?;
        out.write_all(&piece).map_err(at(to))?;
        bytes += piece.len() as u64;
        if part.is_none() {
            break;
        }
    }
    out.flush().map_err(at(to))?;
    out.get_ref().sync_all().map_err(at(to))?;
    Ok(bytes)
}

/// Writes a new file that only its owner can read.
pub(super) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = new_file(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Where pieces belong.
struct Place(String);

impl Place {
    fn new(header: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(header)))
    }

    fn seal(&self, keys: &KeyStore, number: u64, last: bool, piece: &[u8]) -> Vec<u8> {
        keys.seal(context(&format!("{}/{number}", self.0), last), piece)
    }

    fn open(
        &self,
        keys: &KeyStore,
        number: u64,
        last: bool,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        keys.open(context(&format!("{}/{number}", self.0), last), sealed)
            .ok()
    }
}

fn context(id: &str, last: bool) -> Context<'_> {
    Context {
        table: "backup",
        id,
        kind: if last { "last piece" } else { "piece" },
    }
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// The next piece of the database; empty at its end.
fn next_piece(from: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let mut piece = Vec::new();
    from.take(PIECE).read_to_end(&mut piece)?;
    Ok(piece)
}

/// A length and as many bytes. None at the end of the file, or when it is cut off there.
fn read_part(from: &mut impl io::Read, longest: u32) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_be_bytes(length).min(longest);
    let mut part = Vec::new();
    from.take(length.into()).read_to_end(&mut part)?;
    Ok(Some(part))
}

fn length_of(part: &[u8]) -> io::Result<[u8; 4]> {
    u32::try_from(part.len())
        .map(u32::to_be_bytes)
        .map_err(io::Error::other)
}

const MAGIC: &[u8; 20] = b"keysteward backup 1\n";
const PIECE: u64 = 1 << 20;
/// A piece and what sealing adds.
const LONGEST_PIECE: u32 = (1 << 20) + 1024;
const LONGEST_HEADER: u32 = 4096;
