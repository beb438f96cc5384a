//! The minidriver's files, byte by byte as OpenSC and Windows have them.

use crate::gids::data_object::{Address, CARD_APPS};
use crate::gids::file::FileId;
use crate::gids::key_file::{KeySize, Usage};
use crate::gids::minidriver::cardcf::{CardCf, Change};
use crate::gids::minidriver::certificate::{self, CertificateFile};
use crate::gids::minidriver::cmapfile::{self, Container};
use crate::gids::minidriver::key_map::{self, Key};
use crate::gids::minidriver::masterfile::{self, Entry, Name, entries, free_address};
use crate::gids::{Error, KeyReference};
use crate::iso7816::tlv::Tag;
use std::string::String;
use std::vec;
use std::vec::Vec;

fn masterfile(entries: &[Entry]) -> Vec<u8> {
    let records = entries.iter().flat_map(Entry::encode);
    [masterfile::VERSION].into_iter().chain(records).collect()
}

fn of_certificate(object: u32) -> Entry {
    Entry {
        folder: Name::MSCP,
        name: certificate::name(0, Usage::KeyExchange(KeySize::Rsa2048)),
        address: Address {
            file: FileId::USER_WRITES,
            object: Tag(object),
        },
    }
}

#[test]
fn the_first_masterfile_is_the_one_of_every_card() {
    let expected = "01\
        6d736370000000000000000000000000000000000000000000a00000\
        000000000000000000636172646964000000000020df000012a00000\
        00000000000000000063617264617070730000 0021df000010a00000\
        00000000000000000063617264636600000000 0022df000010a00000\
        6d7363700000000000636d617066696c650000 0023df000010a00000";
    let expected = hex::decode(expected.replace(' ', "")).unwrap();
    let file = masterfile(&Entry::FIRST);
    assert_eq!(file, expected);
    let read: Vec<_> = entries(&file).unwrap().collect();
    assert_eq!(read, Entry::FIRST);
    let apps = Name::of(b"cardapps");
    let found = read.iter().find(|entry| entry.is(Name::NONE, apps));
    assert_eq!(found.unwrap().address, CARD_APPS);
    assert_eq!(apps.letters(), b"cardapps");
    assert!(!read.iter().any(|entry| entry.is(Name::MSCP, apps)));
}

#[test]
fn a_masterfile_in_another_form_is_refused() {
    let file = masterfile(&Entry::FIRST);
    let cut = &file[..file.len() - 1];
    let other = [&[2], &file[1..]].concat();
    for file in [&[][..], cut, &other] {
        assert!(matches!(entries(file).err(), Some(Error::File { .. })));
    }
    assert_eq!(entries(&[1]).unwrap().len(), 0);
}

#[test]
fn names_have_eight_letters() {
    assert_eq!(Name::of(b"longer than that").letters(), b"longer t");
    assert_eq!(Name::of(b"").letters(), b"");
}

#[test]
fn the_next_free_object_is_found() {
    let free = |entries: &[Entry]| free_address(&masterfile(entries)).unwrap();
    let first = free(&Entry::FIRST).unwrap();
    assert_eq!(first, of_certificate(0xDF24).address);
    let taken = [of_certificate(0xDF24), of_certificate(0xDF26)];
    assert_eq!(free(&taken), Some(of_certificate(0xDF25).address));
    let all: Vec<_> = masterfile::FREE.map(of_certificate).collect();
    assert_eq!(free(&all), None);
}

#[test]
fn certificates_are_named_after_their_container() {
    let exchange = Usage::KeyExchange(KeySize::Rsa2048);
    let signature = Usage::Signature(KeySize::Rsa2048);
    assert_eq!(certificate::name(0, exchange).letters(), b"kxc00");
    assert_eq!(certificate::name(10, signature).letters(), b"ksc0A");
    assert_eq!(certificate::name(0x7E, exchange).letters(), b"kxc7E");
}

#[test]
fn changes_are_counted_each_for_itself() {
    let before = CardCf::parse(&[1, 0xFF, 0xFF, 0xFF, 0x34, 0x12]).unwrap();
    let expected = CardCf {
        version: 1,
        pins: 255,
        containers: 65_535,
        files: 0x1234,
    };
    assert_eq!(before, expected);
    assert_eq!(before.after(Change::Pin).pins, 0);
    assert_eq!(before.after(Change::Containers).containers, 0);
    assert_eq!(
        before.after(Change::Files).encode(),
        [1, 0xFF, 0xFF, 0xFF, 0x35, 0x12]
    );
    assert_eq!(CardCf::default().encode(), [0; 6]);
    assert!(CardCf::parse(&[0; 5]).is_err());
    assert!(CardCf::parse(&[0; 7]).is_ok());
}

#[test]
fn containers_are_records_of_86_bytes() {
    let used = Container::new("{9B54…}", true, Some(Usage::KeyExchange(KeySize::Rsa2048)));
    let record = used.encode();
    assert_eq!(record[..4], [b'{', 0, b'9', 0]);
    assert_eq!(record[10..12], [0x26, 0x20]);
    assert_eq!(record[80..], [0x03, 0, 0, 0, 0, 0x08]);
    assert_eq!(used.name().collect::<String>(), "{9B54…}");
    let signs = Container::new("s", false, Some(Usage::Signature(KeySize::Rsa1024)));
    assert_eq!(signs.encode()[80..], [0x01, 0, 0, 0x04, 0, 0]);
    let empty = Container::new("e", false, None);

    let free = [0; cmapfile::RECORD];
    let file = [used.encode(), free, signs.encode(), empty.encode()].concat();
    let read: Vec<_> = cmapfile::containers(&file).unwrap().collect();
    assert_eq!(read, vec![Some(used), None, Some(signs), Some(empty)]);
    assert_eq!(cmapfile::containers(&[]).unwrap().len(), 0);
    assert!(cmapfile::containers(&file[1..]).is_err());
}

#[test]
fn a_long_name_is_cut_and_a_broken_one_is_shown() {
    let long = Container::new(&"x".repeat(50), false, None);
    assert_eq!(long.name().count(), cmapfile::MAX_NAME);
    let mut record = Container::new("ab", false, None).encode();
    record[..2].copy_from_slice(&0xD800_u16.to_le_bytes());
    let broken = Container::parse(&record).unwrap();
    assert_eq!(broken.name().collect::<String>(), "\u{FFFD}b");
}

#[test]
fn the_key_map_knows_each_key() {
    let reference = KeyReference(0x81);
    let key = Key::new(reference, Usage::KeyExchange(KeySize::Rsa2048)).unwrap();
    assert_eq!(
        key.encode(),
        [1, 0, 0, 0, 0x07, 0x9A, 0x81, 0xB0, 0xFF, 0xFF, 0, 0]
    );
    let signs = Key::new(KeyReference(0x83), Usage::Signature(KeySize::Rsa1024)).unwrap();
    let file = [&[1][..], &key.encode(), &key_map::free(), &signs.encode()].concat();
    let read: Vec<_> = key_map::keys(&file).unwrap().collect();
    assert_eq!(read, vec![Some(key), None, Some(signs)]);
    assert_eq!(Key::new(KeyReference::ADMIN, Usage::Admin), None);
    assert_eq!(key_map::keys(&[]).unwrap().len(), 0);
    assert!(key_map::keys(&file[1..]).is_err());
    assert!(key_map::keys(&file[..file.len() - 1]).is_err());
}

#[test]
fn a_certificate_is_wrapped_as_the_minidriver_does() {
    let file = CertificateFile {
        len: 0x0312,
        compressed: b"zlib",
    };
    let bytes = [&file.header()[..], file.compressed].concat();
    assert_eq!(bytes, b"\x01\x00\x12\x03zlib");
    assert_eq!(CertificateFile::parse(&bytes), Ok(file));
    for other in [&b"\x02\x00\x00\x00"[..], b"\x01\x00\x00", b""] {
        assert!(CertificateFile::parse(other).is_err());
    }
}
