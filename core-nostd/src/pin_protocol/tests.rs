//! Known answers. Protocol one: the vectors that python-fido2 publishes.
//! Protocol two and what it leaves out: computed with OpenSSL's primitives
//! (Python `cryptography`) from the same keys, IV 00 01 .. 0f. What others
//! published for protocol two is in `published`.

mod persistent;
mod published;

use super::*;
use crate::crypto::{Error, PrivateKey, PublicPoint, RustCrypto};
use rand_core::{CryptoRng, OsRng, RngCore};

/// Counts up: 00 01 02 and so on, which makes IVs known.
struct Counter(u8);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Counter {}

fn crypto() -> RustCrypto<Counter> {
    RustCrypto(Counter(0))
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn platform_key() -> KeyAgreementKey {
    KeyAgreementKey::from_private(PrivateKey::from_bytes(array(
        "7452e599fee739d8a653f6a507343d12d382249108a651402520b72f24fe7684",
    )))
}

fn token_point() -> PublicPoint {
    PublicPoint {
        x: array("0501d5bc78da9252560a26cb08fcc60cbe0b6d3b8e1d1fcee514fac0af675168"),
        y: array("d551b3ed46f665731f95b4532939c25d91db7eb844bd96d4abd4083785f8df47"),
    }
}

fn secret(protocol: PinProtocol) -> SharedSecret {
    platform_key()
        .decapsulate(&mut crypto(), protocol, &token_point())
        .unwrap()
}

struct Known {
    protocol: PinProtocol,
    pin_hash_enc: &'static str,
    new_pin_enc: &'static str,
    new_pin_auth: &'static str,
    token: &'static str,
    token_enc: &'static str,
    /// By the token, over 00 01 .. 1f.
    token_auth: &'static str,
}

const KNOWN: [Known; 2] = [
    Known {
        protocol: PinProtocol::One,
        pin_hash_enc: "afe8327ce416da8ee3d057589c2ce1a9",
        new_pin_enc: "0222fc42c6dd76a274a7057858b9b29d98e8a722ec2dc6668476168c5320473c\
                      ec9907b4cd76ce7943c96ba5683943211d84471e64d9c51e54763488cd66526a",
        new_pin_auth: "7b40c084ccc5794194189ab57836475f",
        token: "aff12c6dcfbf9df52f7a09211e8865cd",
        token_enc: "7a9f98e31b77be90f9c64d12e9635040",
        token_auth: "b8b3ca7f8ce44f3b2d19e74a3681aaa1",
    },
    Known {
        protocol: PinProtocol::Two,
        pin_hash_enc: "000102030405060708090a0b0c0d0e0f09870d15a35707bcc287efb5be976011",
        new_pin_enc: "000102030405060708090a0b0c0d0e0f76f442d0c109cfc29362cfdea56c2dd2\
                      a64f2a11b02e40df972a71df1011cf8426ff2f3887edf477a73a518467f90ff7\
                      6adf360c00e8cd95e2eef66012267ec2",
        new_pin_auth: "cbd8ce828e9847125882660c6f7ffd3b71e5dbb13039a2b37dbae9d50f7c34cb",
        token: "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf",
        token_enc: "000102030405060708090a0b0c0d0e0f1183b6a5b4fa602b2da9a7633f8ff6fd\
                    b5db9c8375d3dacd6b9d99c21af42737",
        token_auth: "417e7502c38837c356dc6d3f1c84cfac0efea0e929628cb89ce52f74716620ad",
    },
];

#[test]
fn the_platform_point_is_the_published_one() {
    let point = platform_key().public(&mut crypto()).unwrap();
    assert_eq!(
        point,
        PublicPoint {
            x: array("44d78d7989b97e62ea993496c9ef6e8fd58b8b00715f9a89153ddd9c4657e47f"),
            y: array("ec802ee7d22bd4e100f12e48537eb4e7e96ed3a47a0a3bd5f5eeab65001664f9"),
        }
    );
}

#[test]
fn pins_are_encrypted_and_authenticated_as_known() {
    let pin = Pin::new("1234").ok().unwrap();
    for known in KNOWN {
        let secret = secret(known.protocol);
        let hash = pin.hash(&mut crypto());
        let pin_hash_enc = secret.encrypt(&mut crypto(), &hash.0).unwrap();
        assert_eq!(hex::encode(&pin_hash_enc), known.pin_hash_enc);
        let new_pin_enc = secret.encrypt(&mut crypto(), pin.padded()).unwrap();
        assert_eq!(hex::encode(&new_pin_enc), known.new_pin_enc);
        let (head, tail) = new_pin_enc.split_at(10);
        let mac = secret.authenticate(&mut crypto(), &[head, tail]);
        assert_eq!(hex::encode(&mac), known.new_pin_auth);
        let plain = secret.decrypt(&mut crypto(), &new_pin_enc).unwrap();
        assert_eq!(plain.as_slice(), pin.padded());
    }
}

#[test]
fn tokens_are_decrypted_and_authenticate_as_known() {
    let message: [u8; 32] = core::array::from_fn(|i| u8::try_from(i).unwrap());
    for known in KNOWN {
        let secret = secret(known.protocol);
        let ciphertext = hex::decode(known.token_enc).unwrap();
        let token = PinUvAuthToken::decrypt(&mut crypto(), &secret, &ciphertext)
            .ok()
            .unwrap();
        let back = token.encrypt(&mut crypto(), &secret).unwrap();
        assert_eq!(back.as_slice(), ciphertext);
        let plain = secret.decrypt(&mut crypto(), &ciphertext).unwrap();
        assert_eq!(hex::encode(plain.as_slice()), known.token);
        let mac = token.authenticate(&mut crypto(), &[&message]);
        assert_eq!(hex::encode(&mac), known.token_auth);
    }
}

#[test]
fn both_halves_come_to_the_same_secret() {
    let mut crypto = RustCrypto(OsRng);
    for protocol in [PinProtocol::One, PinProtocol::Two] {
        let key = KeyAgreementKey::generate(&mut crypto).ok().unwrap();
        let point = key.public(&mut crypto).unwrap();
        let (platform, ours) = protocol.encapsulate(&mut crypto, &point).ok().unwrap();
        let theirs = key
            .decapsulate(&mut crypto, protocol, &platform)
            .ok()
            .unwrap();
        let mac = ours.authenticate(&mut crypto, &[b"message"]);
        assert!(theirs.verify(&mut crypto, &[b"mess", b"age"], &mac).is_ok());

        let token = PinUvAuthToken::generate(&mut crypto, protocol)
            .ok()
            .unwrap();
        let ciphertext = token.encrypt(&mut crypto, &theirs).unwrap();
        let received = PinUvAuthToken::decrypt(&mut crypto, &ours, &ciphertext)
            .ok()
            .unwrap();
        let mac = received.authenticate(&mut crypto, &[b"message"]);
        assert!(token.verify(&mut crypto, &[b"message"], &mac).is_ok());
    }
}

#[test]
fn a_wrong_or_cut_or_lengthened_mac_is_refused() {
    let mut crypto = RustCrypto(OsRng);
    for protocol in [PinProtocol::One, PinProtocol::Two] {
        let token = PinUvAuthToken::generate(&mut crypto, protocol)
            .ok()
            .unwrap();
        let mac = token.authenticate(&mut crypto, &[b"message"]);
        let mut wrong = mac.clone();
        wrong[0] ^= 1;
        let mut long = [0; 64];
        long[..mac.len()].copy_from_slice(&mac);
        for bad in [
            &wrong[..],
            &mac[..mac.len() - 1],
            &long[..mac.len() + 1],
            &[],
        ] {
            assert!(token.verify(&mut crypto, &[b"message"], bad).is_err());
        }
        assert!(token.verify(&mut crypto, &[b"massage"], &mac).is_err());
    }
}

#[test]
fn ciphertexts_of_wrong_length_are_refused() {
    let mut crypto = crypto();
    for protocol in [PinProtocol::One, PinProtocol::Two] {
        let secret = secret(protocol);
        for len in [15, 17, 81, 96] {
            let bytes = std::vec![0; len];
            assert!(secret.decrypt(&mut crypto, &bytes).is_err(), "{len} bytes");
        }
        for len in [15, 65, 80] {
            let bytes = std::vec![0; len];
            let refused = secret.encrypt(&mut crypto, &bytes);
            assert!(refused.is_err() || (protocol, len) == (PinProtocol::One, 80));
        }
    }
}

#[test]
fn a_short_token_is_taken_under_protocol_one_only() {
    let mut crypto = crypto();
    for (protocol, len, taken) in [
        (PinProtocol::One, 16, true),
        (PinProtocol::One, 32, true),
        (PinProtocol::One, 48, false),
        (PinProtocol::Two, 16, false),
        (PinProtocol::Two, 32, true),
        (PinProtocol::Two, 0, false),
    ] {
        let secret = secret(protocol);
        let ciphertext = secret.encrypt(&mut crypto, &std::vec![7; len]).unwrap();
        let token = PinUvAuthToken::decrypt(&mut crypto, &secret, &ciphertext);
        assert_eq!(token.is_ok(), taken, "{protocol:?}, {len} bytes");
    }
}

#[test]
fn a_peer_off_the_curve_is_refused() {
    let mut point = token_point();
    point.x[0] ^= 1;
    let refused = PinProtocol::Two.encapsulate(&mut crypto(), &point);
    assert_eq!(refused.err(), Some(Error));
}

#[test]
fn every_encryption_under_protocol_two_differs() {
    let mut crypto = crypto();
    let secret = secret(PinProtocol::Two);
    let first = secret.encrypt(&mut crypto, &[0; 16]).unwrap();
    let second = secret.encrypt(&mut crypto, &[0; 16]).unwrap();
    assert_ne!(first, second);
}
