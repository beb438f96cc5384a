//! Whatever comes, it is read or refused.

use crate::gids::authenticate::{self, parse_response};
use crate::gids::data_object::{GetData, PutData, value};
use crate::gids::file::{CreateFile, parse_select};
use crate::gids::generate::Generate;
use crate::gids::minidriver::cardcf::CardCf;
use crate::gids::minidriver::certificate::CertificateFile;
use crate::gids::minidriver::{cmapfile, key_map, masterfile};
use crate::gids::pin::{Change, Reference, Tries, Verify, parse_reset};
use crate::gids::public_key::PublicKey;
use crate::gids::security_operation::{Environment, Operation};
use crate::gids::select::FileControlInformation;
use crate::iso7816::Command;
use crate::iso7816::tlv::Tag;
use proptest::prelude::*;

/// Tags of the specification more often than chance has them.
fn bytes() -> impl Strategy<Value = std::vec::Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        0_u8..=8,
        prop::sample::select(&b"\x5C\x61\x62\x70\x7C\x7F\x80\x82\x83\x84\x8C\xA5\xB6\xB8\xDF"[..]),
    ];
    prop::collection::vec(byte, 0..64)
}

proptest! {
    #[test]
    fn commands(p1: u8, p2: u8, data in bytes()) {
        for ins in [0x20, 0x22, 0x24, 0x2A, 0x2C, 0x47, 0x87, 0xA4, 0xCB, 0xDB, 0xE0] {
            let command = Command { cla: 0, ins, p1, p2, data: &data, le: None };
            let _ = authenticate::Request::parse(&command);
            let _ = authenticate::parse_select_key(&command);
            let _ = Change::parse(&command);
            let _ = Environment::parse(&command);
            let _ = Generate::parse(&command);
            let _ = Operation::parse(&command, 4);
            let _ = Verify::parse(&command);
            let _ = parse_reset(&command);
            let _ = parse_select(&command);
            let mut room = [0; 128];
            if let Ok(request) = GetData::parse(&command) {
                let again = request.command(&mut room).unwrap();
                prop_assert_eq!(GetData::parse(&again), Ok(request));
            }
            if let Ok(request) = PutData::parse(&command) {
                let again = request.command(&mut room).unwrap();
                prop_assert!(PutData::parse(&again) == Ok(request));
            }
            if let Ok(request) = CreateFile::parse(&command) {
                let again = request.command(&mut room).unwrap();
                prop_assert_eq!(CreateFile::parse(&again), Ok(request));
            }
        }
    }

    #[test]
    fn answers_and_files(bytes in bytes()) {
        let _ = FileControlInformation::parse(&bytes);
        let _ = PublicKey::parse(&bytes);
        let _ = Tries::parse(&bytes, Reference::Pin);
        let _ = parse_response::<8>(&bytes);
        let _ = parse_response::<40>(&bytes);
        let _ = value(&bytes, Tag(0xDF20));
        let _ = CardCf::parse(&bytes);
        let _ = CertificateFile::parse(&bytes);
        let _ = masterfile::free_address(&bytes);
        let _ = cmapfile::containers(&bytes).map(|all| all.for_each(drop));
        let _ = key_map::keys(&bytes).map(|all| all.for_each(drop));
    }
}
