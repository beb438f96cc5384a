//! Certificates that cards keep compressed: gzip in PIV's objects, zlib in the minidriver's files
//! and in PIV objects of Windows software. SP 800-73-5 part 1 §3.

use std::io::{self, Read, Write as _};

use flate2::{
    Compression,
    read::{GzDecoder, ZlibDecoder},
    write::{GzEncoder, ZlibEncoder},
};

/// Longest certificate that any card has room for, in bytes: what unpacks to more is a bomb.
const MAX: u64 = 16 * 1024;

pub(super) fn gzip(der: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(der)?;
    out.finish()
}

pub(super) fn zlib(der: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::best());
    out.write_all(der)?;
    out.finish()
}

/// `None`: it is broken, or too long.
pub(super) fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    unpacked(GzDecoder::new(bytes))
}

/// `None`: it is broken, or too long.
pub(super) fn unzlib(bytes: &[u8]) -> Option<Vec<u8>> {
    unpacked(ZlibDecoder::new(bytes))
}

fn unpacked(reader: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    reader.take(MAX + 1).read_to_end(&mut out).ok()?;
    (out.len() as u64 <= MAX).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let der = [7; 3_000];
        assert_eq!(gunzip(&gzip(&der).unwrap()).unwrap(), der);
        assert_eq!(unzlib(&zlib(&der).unwrap()).unwrap(), der);
        assert!(gzip(&der).unwrap().len() < 100);
    }

    #[test]
    fn what_is_broken_or_unpacks_without_end_is_nothing() {
        let bomb = vec![0; 1 << 20];
        assert_eq!(gunzip(&gzip(&bomb).unwrap()), None);
        assert_eq!(unzlib(&zlib(&bomb).unwrap()), None);
        assert_eq!(gunzip(b"no such thing"), None);
        let mut cut = zlib(&[7; 3_000]).unwrap();
        cut.truncate(10);
        assert_eq!(unzlib(&cut), None);
    }
}
