//! A vendor's own commands, on a key that has one.

use std::sync::{Arc, Mutex};

use keysteward_agent::settings::Policy;
use keysteward_core::{crypto::RustCrypto, session::Millis};
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::{
    firmware::Contents,
    hostile::{HONEST, Honest, HostileKey},
    in_process::InProcess,
    manufacture::Profile,
    storage::MemoryStorage,
};
use proto::{step::Verb, step_error::Code, step_result::Result as Answer};
use rand_core::OsRng;

use crate::harness::{Done, Host, Key};

const ID: u64 = 0x0201;

/// A key of CTAP 2.1 whose vendor gave it one more command.
struct OfVendor {
    key: InProcess<MemoryStorage, RustCrypto<OsRng>>,
    /// Requests of authenticatorConfig, as they came.
    configured: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Honest for OfVendor {
    fn power_up(&mut self, now: Millis) {
        self.key.power_up(now);
    }

    fn answer(&mut self, now: Millis, request: &[u8]) -> Vec<u8> {
        match request {
            [0x04] => {
                let mut info = self.key.answer(now, request);
                // One member more, the last: {.., 0x15: [ID]}.
                info[1] += 1;
                info.extend([0x15, 0x81, 0x19, 0x02, 0x01]);
                info
            }
            [0x0D, ..] => {
                self.configured.lock().unwrap().push(request.to_vec());
                vec![0x00]
            }
            _ => self.key.answer(now, request),
        }
    }

    fn contents(&self) -> Contents {
        self.key.contents()
    }
}

fn plug(host: &Host) -> (Key, Arc<Mutex<Vec<Vec<u8>>>>) {
    let configured = Arc::default();
    let seen = Arc::clone(&configured);
    let key = Key::of_firmware(host.folder.path(), Profile::Ctap21, |storage| {
        let key = InProcess::plug_in(storage, RustCrypto(OsRng)).unwrap();
        HostileKey::new(&HONEST, OfVendor { key, configured })
    });
    (key, seen)
}

async fn at_a_host(allow_raw: bool) -> Host {
    Host::with_policy(Policy {
        allow_raw,
        ..Policy::default()
    })
    .await
}

fn command(vendor_command_id: u64, parameters: &[(u32, &[u8])]) -> Verb {
    Verb::VendorConfigure(proto::VendorConfigure {
        pin: String::new(),
        vendor_command_id,
        parameters: parameters
            .iter()
            .map(|(key, value)| proto::VendorParameter {
                key: *key,
                value: value.to_vec(),
            })
            .collect(),
    })
}

async fn send(host: &Host, verb: Verb) -> Done {
    host.lease().await.step("vendor", verb).await
}

#[tokio::test]
async fn a_command_that_the_key_lists_is_sent_as_it_was_given() {
    let host = at_a_host(true).await;
    let (_key, configured) = plug(&host);
    let parameters: [(u32, &[u8]); 2] = [(2, &[0x42, 1, 2]), (3, &[0x20])];
    let answer = send(&host, command(ID, &parameters)).await;
    assert_eq!(answer, Ok(Answer::Done(proto::Done {})));
    // {1: 0xff, 2: {1: ID, 2: h'0102', 3: -1}}
    let due = [
        0x0D, 0xA2, 1, 0x18, 0xFF, 2, 0xA3, 1, 0x19, 0x02, 0x01, 2, 0x42, 1, 2, 3, 0x20,
    ];
    assert_eq!(*configured.lock().unwrap(), [due]);
    let outcome = host.caller().await.outcome("vendor").await;
    assert_eq!(outcome.verb, "vendor_configure");
}

#[tokio::test]
async fn a_command_that_the_key_does_not_list_is_not_sent() {
    let host = at_a_host(true).await;
    let (_key, configured) = plug(&host);
    let refused = send(&host, command(ID + 1, &[])).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotSupported, "{refused:?}");
    assert!(configured.lock().unwrap().is_empty());
}

#[tokio::test]
async fn it_is_forbidden_where_raw_exchanges_are() {
    let host = at_a_host(false).await;
    let (_key, configured) = plug(&host);
    let refused = send(&host, command(ID, &[])).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.rule.as_str()),
        (Code::ForbiddenByHost, "policy.allow_raw")
    );
    assert!(configured.lock().unwrap().is_empty());
}

#[tokio::test]
async fn parameters_that_no_key_could_read_are_refused() {
    let host = at_a_host(true).await;
    let (_key, configured) = plug(&host);
    let mut lease = host.lease().await;
    let parameters: [(&[(u32, &[u8])], &str); 5] = [
        (&[(1, &[0x00])], "parameters.key"),
        (&[(3, &[0x00]), (2, &[0x00])], "parameters.key"),
        (&[(2, &[0x00]), (2, &[0x00])], "parameters.key"),
        (&[(2, &[])], "parameters.value"),
        (&[(2, &[0x00, 0x00])], "parameters.value"),
    ];
    for (wrong, field) in parameters {
        let refused = lease.step("wrong", command(ID, wrong)).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.field.as_str()),
            (Code::InvalidRequest, field),
            "{wrong:?}"
        );
    }
    assert!(configured.lock().unwrap().is_empty());
}
