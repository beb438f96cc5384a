//! Lies about what the key is and can do. CTAP 2.3 §6.4.

use super::Hostile;
use super::answers::{Exchange, words};
use super::cbor::{Members, array, boolean, map, text, unsigned};

pub(super) const ALL: &[Hostile] = &[
    words(
        "info-changes-mind",
        "is another key at every getInfo: versions, options, PIN protocols, sizes",
        |exchange| {
            if exchange.command() == GET_INFO {
                let told = exchange.count();
                exchange.edit(|info| match told % 4 {
                    0 => info.set(
                        OPTIONS,
                        options(&[("clientPin", false), ("credMgmt", true)]),
                    ),
                    1 => info.set(VERSIONS, array(&[text("U2F_V2")])),
                    2 => {
                        info.set(PIN_PROTOCOLS, array(&[unsigned(1)]));
                        info.set(MAX_MSG_SIZE, unsigned(1));
                    }
                    _ => info.remove(OPTIONS),
                });
            }
        },
    ),
    words(
        "info-pin-flickers",
        "says at every other getInfo that it has no PIN",
        |exchange| {
            if exchange.command() == GET_INFO {
                let told = exchange.count();
                let all = [
                    ("credMgmt", true),
                    ("authnrCfg", true),
                    ("clientPin", told % 2 == 0),
                    ("pinUvAuthToken", true),
                    ("setMinPINLength", true),
                ];
                exchange.edit(|info| info.set(OPTIONS, options(&all)));
            }
        },
    ),
    info(
        "info-max-msg-size-0",
        "takes no byte at all (maxMsgSize 0)",
        |info| info.set(MAX_MSG_SIZE, unsigned(0)),
    ),
    info(
        "info-max-msg-size-huge",
        "takes messages of 4 GiB (maxMsgSize 2^32-1)",
        |info| info.set(MAX_MSG_SIZE, unsigned(0xFFFF_FFFF)),
    ),
    info(
        "info-max-msg-size-beyond",
        "says that it takes messages of 2^32 bytes, which no member holds",
        |info| info.set(MAX_MSG_SIZE, unsigned(0x1_0000_0000)),
    ),
    info(
        "info-no-pin-protocol",
        "has a PIN and no PIN protocol",
        |info| info.set(PIN_PROTOCOLS, array(&[])),
    ),
    info(
        "info-future-pin-protocol",
        "speaks PIN protocol 99 alone",
        |info| info.set(PIN_PROTOCOLS, array(&[unsigned(99)])),
    ),
    info(
        "info-pin-protocols-many",
        "speaks 1,500 PIN protocols, and the known one last",
        |info| {
            let mut all: Vec<_> = (1000..2500).map(unsigned).collect();
            all.push(unsigned(2));
            info.set(PIN_PROTOCOLS, array(&all));
        },
    ),
    info(
        "info-pin-length-huge",
        "wants PINs of 2^32-1 characters",
        |info| info.set(MIN_PIN_LENGTH, unsigned(0xFFFF_FFFF)),
    ),
    info(
        "info-pin-lengths-crossed",
        "wants PINs of at least 50 and at most 8 characters",
        |info| {
            info.set(MIN_PIN_LENGTH, unsigned(50));
            info.set(MAX_PIN_LENGTH, unsigned(8));
        },
    ),
    info(
        "info-limits-zero",
        "takes lists of 0 credentials with ids of 0 bytes",
        |info| {
            info.set(MAX_CREDENTIAL_COUNT_IN_LIST, unsigned(0));
            info.set(MAX_CREDENTIAL_ID_LENGTH, unsigned(0));
        },
    ),
    info(
        "info-limits-huge",
        "takes lists of 2^32-1 credentials with ids of 2^32-1 bytes",
        |info| {
            info.set(MAX_CREDENTIAL_COUNT_IN_LIST, unsigned(0xFFFF_FFFF));
            info.set(MAX_CREDENTIAL_ID_LENGTH, unsigned(0xFFFF_FFFF));
        },
    ),
    info(
        "info-offers-everything",
        "says that it can do everything there is, and does what it can",
        |info| {
            let all = EVERYTHING.map(|name| (name, true));
            info.set(OPTIONS, options(&all));
        },
    ),
    info(
        "info-offers-nothing",
        "has every option switched off, its PIN too",
        |info| {
            let none = EVERYTHING.map(|name| (name, false));
            info.set(OPTIONS, options(&none));
        },
    ),
    info(
        "info-options-no-flags",
        "answers options with numbers",
        |info| info.set(OPTIONS, map(&[(text("clientPin"), unsigned(1))])),
    ),
    info("info-versions-none", "speaks no version at all", |info| {
        info.set(VERSIONS, array(&[]))
    }),
    info(
        "info-versions-many",
        "speaks 600 versions that nobody knows",
        |info| {
            let all: Vec<_> = (0..600).map(|n| text(&format!("FIDO_9_{n:03}"))).collect();
            info.set(VERSIONS, array(&all));
        },
    ),
    info(
        "info-without-aaguid",
        "does not say which model it is",
        |info| info.remove(AAGUID),
    ),
    info(
        "info-aaguid-short",
        "names its model with 15 bytes",
        |info| info.set(AAGUID, super::cbor::bytes(&[0x11; 15])),
    ),
];

/// A lie told at every getInfo.
const fn info(name: &'static str, does: &'static str, lie: fn(&mut Members)) -> Hostile {
    Hostile {
        name,
        does,
        lie: super::Lie::Info(lie),
    }
}

impl Exchange<'_> {
    /// Tells a lie at getInfo alone.
    pub(super) fn edit_info(&mut self, lie: impl FnOnce(&mut Members)) {
        if self.command() == GET_INFO {
            self.edit(lie);
        }
    }
}

/// Says that the key can do this, whether or not its honest half can.
pub(super) fn offer(info: &mut Members, option: &str) {
    let offered = [
        ("rk", true),
        (option, true),
        ("credMgmt", true),
        ("authnrCfg", true),
        ("clientPin", true),
        ("pinUvAuthToken", true),
        ("setMinPINLength", true),
    ];
    info.set(OPTIONS, options(&offered));
}

fn options(all: &[(&str, bool)]) -> Vec<u8> {
    let entries: Vec<_> = all
        .iter()
        .map(|(name, on)| (text(name), boolean(*on)))
        .collect();
    map(&entries)
}

const GET_INFO: u8 = 0x04;
const VERSIONS: u64 = 0x01;
const AAGUID: u64 = 0x03;
const OPTIONS: u64 = 0x04;
const MAX_MSG_SIZE: u64 = 0x05;
const PIN_PROTOCOLS: u64 = 0x06;
const MAX_CREDENTIAL_COUNT_IN_LIST: u64 = 0x07;
const MAX_CREDENTIAL_ID_LENGTH: u64 = 0x08;
pub(super) const MAX_SERIALIZED_LARGE_BLOB_ARRAY: u64 = 0x0B;
const MIN_PIN_LENGTH: u64 = 0x0D;
const MAX_PIN_LENGTH: u64 = 0x1D;

const EVERYTHING: [&str; 19] = [
    "ep",
    "rk",
    "up",
    "uv",
    "plat",
    "alwaysUv",
    "bioEnroll",
    "uvAcfg",
    "credMgmt",
    "authnrCfg",
    "clientPin",
    "largeBlobs",
    "uvBioEnroll",
    "perCredMgmtRO",
    "pinUvAuthToken",
    "setMinPINLength",
    "makeCredUvNotRqd",
    "credentialMgmtPreview",
    "noMcGaPermissionsWithClientPin",
];
