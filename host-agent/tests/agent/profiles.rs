//! Every kind of key with every verb: what each has is done, and what it lacks is refused by name.

mod desk;
mod table;

use std::collections::BTreeSet;

use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{device::fault::Seen, manufacture::Profile};
use proto::{step::Verb, step_result::Result as Answer};

use self::{
    desk::Desk,
    table::{COLUMNS, Column, TABLE},
};
use crate::harness::{Done, Host, Key, Lease, PIN, RP, make_credential};

/// The cells of one column, and what was asked of the key for it.
struct Met {
    cells: Vec<String>,
    seen: BTreeSet<Seen>,
}

/// Does everything to a key of this kind, in the order of the table.
async fn meet(column: &Column) -> Met {
    let mut desk = Desk::with(column.profile).await;
    let mut cells = Vec::new();
    for row in TABLE {
        cells.push(desk.cell(row).await);
    }
    let seen = desk.key.device.take_seen().into_iter().collect();
    Met { cells, seen }
}

/// A cell without its explanation.
fn short(cell: &str) -> &str {
    cell.split(" (").next().unwrap_or(cell)
}

/// As rows that people can read.
fn print(columns: &[&Column], met: &[Met]) -> String {
    let width = |cells: &mut dyn Iterator<Item = usize>| cells.max().unwrap_or_default() + 2;
    let first = width(&mut TABLE.iter().map(|row| row.verb.len()));
    let widths: Vec<_> = columns
        .iter()
        .zip(met)
        .map(|(column, met)| {
            let cells = met.cells.iter().map(|cell| short(cell).len());
            width(&mut cells.chain([column.name().len()]))
        })
        .collect();
    let mut text = format!("{:first$}", "");
    for (column, width) in columns.iter().zip(&widths) {
        text += &format!("{:width$}", column.name());
    }
    for (at, row) in TABLE.iter().enumerate() {
        text += &format!("\n{:first$}", row.verb);
        for (met, width) in met.iter().zip(&widths) {
            text += &format!("{:width$}", short(&met.cells[at]));
        }
    }
    text
}

/// Asserts that these columns are as the table says.
async fn are_as_the_table_says(are_meant: fn(&Column) -> bool) {
    let places: Vec<_> = (0..COLUMNS.len())
        .filter(|&place| are_meant(&COLUMNS[place]))
        .collect();
    let columns: Vec<_> = places.iter().map(|&place| &COLUMNS[place]).collect();
    let met = futures::future::join_all(columns.iter().copied().map(meet)).await;
    let mut unlike = Vec::new();
    for ((place, column), met) in places.iter().zip(&columns).zip(&met) {
        for (row, cell) in TABLE.iter().zip(&met.cells) {
            let due = row.cells[*place];
            if short(cell) != due {
                let (kind, verb) = (column.name(), row.verb);
                unlike.push(format!("{kind}, {verb}: {cell} instead of {due}"));
            }
        }
        let asked: BTreeSet<_> = met.seen.iter().map(|seen| seen.command).collect();
        let due: BTreeSet<_> = column.commands.iter().copied().collect();
        if asked != due {
            let kind = column.name();
            unlike.push(format!(
                "{kind}: asked by {asked:02X?} instead of {due:02X?}"
            ));
        }
    }
    let table = print(&columns, &met);
    assert!(unlike.is_empty(), "{table}\n{}", unlike.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_verb_does_to_each_kind_of_key_what_the_table_says() {
    are_as_the_table_says(|column| column.profile != Profile::NfcOnly).await;
}

#[test]
fn each_verb_does_to_a_card_at_a_reader_what_the_table_says() {
    let name = "::profiles::each_verb_does_to_a_card_at_a_reader_what_the_table_says";
    crate::pcscd::tell(name, || {
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(are_as_the_table_says(|column| {
                column.profile == Profile::NfcOnly
            }));
    });
}

#[tokio::test]
async fn a_pin_token_without_permissions_is_asked_for_where_a_key_knows_no_others() {
    const GET_PIN_TOKEN: u8 = 0x05;
    const WITH_PERMISSIONS: u8 = 0x09;
    for (profile, used, unused) in [
        (Profile::Ctap20, GET_PIN_TOKEN, WITH_PERMISSIONS),
        (Profile::Ctap21Pre, GET_PIN_TOKEN, WITH_PERMISSIONS),
        (Profile::Ctap21, WITH_PERMISSIONS, GET_PIN_TOKEN),
        (Profile::Ctap23, WITH_PERMISSIONS, GET_PIN_TOKEN),
    ] {
        let host = Host::new().await;
        let key = Key::of_profile(host.folder.path(), Some("KS-1"), profile);
        let mut lease = host.lease().await;
        lease.set_pin("set").await;
        lease.make("make").await;
        let seen = key.device.take_seen();
        let asked = |subcommand| {
            seen.contains(&Seen {
                command: 0x06,
                subcommand: Some(subcommand),
            })
        };
        assert!(asked(used) && !asked(unused), "{profile}: {seen:02X?}");
    }
}

/// A credential for `rp_id` with this kind of enterprise attestation.
async fn attested(lease: &mut Lease, step: &str, rp_id: &str, kind: u32) -> proto::CredentialMade {
    let Verb::MakeCredential(make) = make_credential() else {
        panic!("no makeCredential");
    };
    let verb = Verb::MakeCredential(proto::MakeCredential {
        rp_id: rp_id.to_owned(),
        enterprise_attestation: kind,
        ..make
    });
    match lease.step(step, verb).await.unwrap() {
        Answer::CredentialMade(made) => made,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_enterprise_key_names_itself_to_the_relying_parties_on_its_list_alone() {
    const SERIAL: &str = "KS-ENTERPRISE-1";
    const VENDOR_FACILITATED: u32 = 1;
    const PLATFORM_MANAGED: u32 = 2;
    let host = Host::new().await;
    let folder = host.folder.path();
    let _key = Key::of_profile(folder, Some(SERIAL), Profile::Enterprise);
    let mut lease = host.lease().await;
    lease.set_pin("set").await;
    let enable = Verb::Configure(proto::Configure {
        pin: PIN.to_owned(),
        enable_enterprise_attestation: true,
        ..proto::Configure::default()
    });
    lease.step("enable", enable).await.unwrap();
    for (step, rp_id, kind, named) in [
        ("listed", RP, VENDOR_FACILITATED, true),
        ("other", "other.example.com", VENDOR_FACILITATED, false),
        (
            "beneath",
            "sub.login.example.com",
            VENDOR_FACILITATED,
            false,
        ),
        ("platform", "other.example.com", PLATFORM_MANAGED, true),
        ("unasked", RP, 0, false),
    ] {
        let made = attested(&mut lease, step, rp_id, kind).await;
        let object = made.attestation_object;
        // In the certificate, as its serial number extension.
        let tells = object
            .windows(SERIAL.len())
            .any(|bytes| bytes == SERIAL.as_bytes());
        assert_eq!(
            (made.enterprise_attestation, tells),
            (named, named),
            "{step}"
        );
    }
}

#[tokio::test]
async fn enterprise_attestation_that_is_switched_off_or_not_there_is_refused_by_name() {
    for (profile, words) in [
        (Profile::Enterprise, "switch it on first"),
        (Profile::Ctap21Pre, "no enterprise attestation"),
        (Profile::Ctap20, "no enterprise attestation"),
    ] {
        let host = Host::new().await;
        let key = Key::of_profile(host.folder.path(), Some("KS-1"), profile);
        let mut lease = host.lease().await;
        lease.set_pin("set").await;
        let Verb::MakeCredential(make) = make_credential() else {
            panic!("no makeCredential");
        };
        let verb = Verb::MakeCredential(proto::MakeCredential {
            enterprise_attestation: 1,
            ..make
        });
        let refused: Done = lease.step("make", verb).await;
        let refused = refused.unwrap_err();
        assert_eq!(
            refused.code(),
            proto::step_error::Code::NotSupported,
            "{refused:?}"
        );
        assert!(refused.message.contains(words), "{}", refused.message);
        assert_eq!(key.credentials(), 0, "{profile}");
    }
}
