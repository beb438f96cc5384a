//! Smart cards from the factory and back, over pcscd.

use keysteward_tests::card_life::{CardLife, GIDS, Issuer, Make, PIV};
use serde_json::{Value, json};

/// Of each step: its name, the server's state, what the authority says of every certificate, and
/// whether the card signs.
type Expected = (&'static str, &'static str, &'static str, Option<bool>);

const EXPECTED: [Expected; 8] = [
    ("delivered", "unregistered", "", None),
    ("registered", "registered", "", None),
    ("issued", "issued", "normal", None),
    ("handed over", "active", "normal", Some(true)),
    ("PIN blocked", "active", "normal", Some(false)),
    ("unblocked offline", "active", "normal", Some(true)),
    ("revoked", "revoked", "revoked", None),
    ("unregistered", "unregistered", "revoked", None),
];

fn from_the_factory_and_back(issuer: Issuer, make: Make, containers: &Value) -> Vec<Value> {
    let mut life = CardLife::set_up(issuer, |_| ()).unwrap();
    let told = life.tell(make).unwrap();
    let steps = told["steps"].as_array().unwrap();
    assert_eq!(steps.len(), EXPECTED.len());
    for (step, (name, server, authority, signs)) in steps.iter().zip(EXPECTED) {
        assert_eq!(step["step"], name);
        assert_eq!(step["server"], server, "{step}");
        assert_eq!(step["signs"], json!(signs), "{step}");
        let has_keys = authority == "normal";
        let expected = if has_keys { containers } else { &json!([]) };
        assert_eq!(&step["containers"], expected, "{step}");
        let statuses = step["authority"].as_array().unwrap();
        let issued = containers.as_array().unwrap().len();
        assert_eq!(
            statuses.len(),
            if authority.is_empty() { 0 } else { issued }
        );
        assert!(statuses.iter().all(|status| *status == authority), "{step}");
    }
    assert_eq!(life.audit().unwrap()["verified"], true);
    steps.clone()
}

fn piv(issuer: Issuer) {
    let steps = from_the_factory_and_back(issuer, PIV, &json!(["9a", "9c"]));
    let of = |name: &str| -> Vec<Value> { steps.iter().map(|step| step[name].clone()).collect() };
    assert_eq!(of("pin_tries"), [3, 0, 0, 3, 0, 3, 0, 3]);
    let factory_key = [true, false, false, false, false, false, false, true];
    assert_eq!(of("factory_admin_key"), factory_key);
}

fn gids() {
    let steps = from_the_factory_and_back(Issuer::CaGateway, GIDS, &json!(["0"]));
    let of = |name: &str| -> Vec<Value> { steps.iter().map(|step| step[name].clone()).collect() };
    assert_eq!(of("pin_tries")[1..], [0, 0, 3, 0, 3, 0, 3]);
    let factory_key = of("factory_admin_key");
    assert_eq!(factory_key[0], Value::Null, "{factory_key:?}");
    let factory_key_opens = [false, false, false, false, false, false, true];
    assert_eq!(factory_key[1..], factory_key_opens);
}

fn keeps_reading() {
    let life = CardLife::set_up(Issuer::BuiltinCa, |_| ()).unwrap();
    let told = life.make_decryption_key_anew().unwrap();
    let expected = json!({
        "containers": ["9a", "9d", "82"],
        "read_before": true,
        "new_key_reads": false,
        "kept_key_reads": true,
    });
    assert_eq!(told, expected);
}

mod what_was_encrypted_to_an_old_key_is_read_after_a_reissue {
    #[test]
    fn over_pcscd() {
        let name = concat!(module_path!(), "::over_pcscd");
        keysteward_tests::pcscd::tell(name, super::keeps_reading);
    }
}

mod a_piv_card_goes_from_the_factory_and_back {
    use super::{Issuer, piv};

    #[test]
    fn with_certificates_of_ca_gateway() {
        let name = concat!(module_path!(), "::with_certificates_of_ca_gateway");
        keysteward_tests::pcscd::tell(name, || piv(Issuer::CaGateway));
    }

    #[test]
    fn with_certificates_of_the_server_itself() {
        let name = concat!(module_path!(), "::with_certificates_of_the_server_itself");
        keysteward_tests::pcscd::tell(name, || piv(Issuer::BuiltinCa));
    }

    #[test]
    fn with_certificates_of_cfssl() {
        let name = concat!(module_path!(), "::with_certificates_of_cfssl");
        keysteward_tests::pcscd::tell(name, || piv(Issuer::Cfssl));
    }
}

mod a_gids_card_goes_from_the_factory_and_back {
    #[test]
    fn over_pcscd() {
        keysteward_tests::pcscd::tell(concat!(module_path!(), "::over_pcscd"), super::gids);
    }
}
