use rand::{SeedableRng as _, rngs::StdRng};

use super::*;

fn slot(container: &str) -> CertificateSlot {
    CertificateSlot {
        container: container.into(),
        algorithm: KeyAlgorithm::P256,
        connection: ConnectionId::new(),
        profile: "logon".into(),
        fields: vec![RequestField {
            name: "cn".into(),
            value: "{user.display_name}".into(),
        }],
        pin_use: None,
        touch_use: None,
        is_default: false,
    }
}

fn section() -> CardSection {
    CardSection {
        pin_length: 6,
        pin_custody: Custody::HandOver,
        certificates: vec![slot("9a"), slot("9c"), slot("9d")],
    }
}

#[test]
fn a_wrong_field_of_a_card_section_is_named() {
    section().check().unwrap();
    type Spoil = fn(&mut CardSection);
    let cases: [(Spoil, &str); 9] = [
        (|s| s.pin_length = 5, "template.card.pin_length"),
        (|s| s.pin_length = 9, "template.card.pin_length"),
        (|s| s.certificates.clear(), "template.card.certificates"),
        (
            |s| s.certificates.push(slot("9e")),
            "template.card.certificates",
        ),
        (
            |s| s.certificates.iter_mut().for_each(|c| c.is_default = true),
            "template.card.certificates.is_default",
        ),
        (
            |s| s.certificates[1].container = "9a".into(),
            "template.card.certificates.container",
        ),
        (
            |s| s.certificates[0].container = "9b".into(),
            "template.card.certificates.container",
        ),
        (
            |s| s.certificates[0].container = "9A".into(),
            "template.card.certificates.container",
        ),
        (
            |s| s.certificates[0].profile = " ".into(),
            "template.card.certificates.profile",
        ),
    ];
    for (spoil, field) in cases {
        let mut section = section();
        spoil(&mut section);
        assert_eq!(section.check().unwrap_err().field, field);
    }
}

#[test]
fn containers_are_key_references_of_piv_or_numbers_of_gids() {
    for name in ["9a", "9c", "9d", "9e", "82", "95", "0", "15"] {
        assert!(is_container(name), "{name}");
    }
    for name in ["", "9b", "f9", "96", "81", "16", "00", "9a0", "+2", "x"] {
        assert!(!is_container(name), "{name}");
    }
}

#[test]
fn a_pin_for_a_card_is_six_to_eight_digits() {
    for pin in ["123456", "12345678"] {
        check_card_pin("pin", pin).unwrap();
    }
    for pin in ["12345", "123456789", "12345a", "", "１２３４５６"] {
        let refused = check_card_pin("pin", pin).unwrap_err();
        assert!(pin.is_empty() || !refused.to_string().contains(pin));
    }
}

#[test]
fn made_pins_and_puks_keep_to_what_cards_take() {
    let mut rng = StdRng::seed_from_u64(3);
    for _ in 0..100 {
        check_card_pin("pin", &section().generate_pin(&mut rng)).unwrap();
        let puk = generate_puk(&mut rng);
        check_card_pin("puk", &puk).unwrap();
        assert_eq!(puk.len(), 8);
    }
}

#[test]
fn a_section_survives_the_database() {
    let text = serde_json::to_string(&section()).unwrap();
    let read: CardSection = serde_json::from_str(&text).unwrap();
    assert_eq!(read.certificates.len(), 3);
    assert_eq!(read.pin_length, 6);
}
