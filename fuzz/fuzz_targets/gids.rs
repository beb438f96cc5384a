#![no_main]

use keysteward_core::gids::authenticate::{self, parse_response, parse_select_key};
use keysteward_core::gids::data_object::{CARD_ID, GetData, PutData, value};
use keysteward_core::gids::file::{CreateFile, parse_select};
use keysteward_core::gids::generate::Generate;
use keysteward_core::gids::key_file::KeySize;
use keysteward_core::gids::minidriver::cardcf::CardCf;
use keysteward_core::gids::minidriver::certificate::CertificateFile;
use keysteward_core::gids::minidriver::{cmapfile, key_map, masterfile};
use keysteward_core::gids::pin::{Change, Reference, Tries, Verify, parse_reset};
use keysteward_core::gids::public_key::PublicKey;
use keysteward_core::gids::security_operation::{Environment, Operation};
use keysteward_core::gids::select::FileControlInformation;
use keysteward_core::iso7816::{Command, Status};
use keysteward_fuzz::ROOM;
use libfuzzer_sys::fuzz_target;

/// What the card reads of a command is what the host would write.
macro_rules! kept {
    ($command:expr => $($type:ty),* $(,)?) => {$(
        if let Ok(first) = <$type>::parse($command) {
            let mut room = vec![0; ROOM];
            let again = first.command(&mut room).expect("it was read from fewer bytes");
            assert!(<$type>::parse(&again) == Ok(first));
        }
    )*};
}

// Every command, answer and file of GIDS, in both directions.
fuzz_target!(|bytes: &[u8]| {
    if let Ok((command, _)) = Command::parse(bytes) {
        commands(&command);
    }
    answers(bytes);
    files(bytes);
});

fn commands(command: &Command<'_>) {
    kept!(command => GetData, CreateFile, Generate, authenticate::Request, Environment);
    let _asked: [Result<(), Status>; 7] = [
        PutData::parse(command).map(drop),
        Verify::parse(command).map(drop),
        Change::parse(command).map(drop),
        parse_reset(command).map(drop),
        parse_select(command).map(drop),
        parse_select_key(command).map(drop),
        Operation::parse(command, KeySize::Rsa2048.bytes()).map(drop),
    ];
}

fn answers(bytes: &[u8]) {
    let mut room = vec![0; ROOM];
    if let Ok(key) = PublicKey::parse(bytes) {
        assert!(key.info(&mut room).is_ok());
        let again = key.encode(&mut room).expect("the room");
        assert_eq!(PublicKey::parse(again), Ok(key));
    }
    if let Ok(Some(said)) = FileControlInformation::parse(bytes) {
        assert!(said.encode(&mut room).is_ok());
    }
    let _told = (
        Tries::parse(bytes, Reference::Pin),
        value(bytes, CARD_ID.object),
        parse_response::<8>(bytes),
        parse_response::<40>(bytes),
    );
}

fn files(bytes: &[u8]) {
    if let Ok(cf) = CardCf::parse(bytes) {
        assert_eq!(CardCf::parse(&cf.encode()), Ok(cf));
    }
    if let Ok(containers) = cmapfile::containers(bytes) {
        for container in containers.flatten() {
            let letters: String = container.name().collect();
            assert!(letters.chars().count() <= 40);
            assert_eq!(
                cmapfile::Container::parse(&container.encode()),
                Some(container)
            );
        }
    }
    if let Ok(keys) = key_map::keys(bytes) {
        for key in keys.flatten() {
            assert_eq!(key_map::Key::parse(&key.encode()), Some(key));
        }
    }
    if let Ok(entries) = masterfile::entries(bytes) {
        for entry in entries {
            assert_eq!(masterfile::Entry::parse(&entry.encode()), entry);
        }
        let _free = masterfile::free_address(bytes);
    }
    if let Ok(file) = CertificateFile::parse(bytes) {
        let _header = file.header();
    }
}
