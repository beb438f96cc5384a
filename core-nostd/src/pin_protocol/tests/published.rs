//! Known answers that others publish: the HMACs of OpenSK's tests
//! (`src/ctap/pin_protocol.rs` of opensk 0.1.0), the key derivation of
//! Mozilla's (`src/crypto/mod.rs` of authenticator 0.5.0), and the whole way of
//! hmac-secret in WebAuthn Level 3 §16.17.1.2.

use super::super::shared_secret::Keys;
use super::*;
use crate::crypto::{Crypto, Secret};
use rand_core::{CryptoRng, RngCore};

fn from_z(protocol: PinProtocol, z: [u8; 32]) -> SharedSecret {
    protocol.kdf(&mut crypto(), &Secret(z)).ok().unwrap()
}

fn mac_of_aa(secret: &SharedSecret) -> std::string::String {
    hex::encode(secret.authenticate(&mut crypto(), &[&[0xAA]]))
}

#[test]
fn opensk_authenticates_with_the_same_secrets() {
    let one = from_z(PinProtocol::One, [0x55; 32]);
    assert_eq!(mac_of_aa(&one), "8b60157df344822e54347a01fb0248a6");
    let two = from_z(PinProtocol::Two, [0x55; 32]);
    assert_eq!(
        mac_of_aa(&two),
        "c03f2a225cc34e05c10e729c8dd57de5989c6815ece23a95d590e1e93ff01aaf"
    );
}

#[test]
fn opensk_authenticates_with_the_same_tokens() {
    for (protocol, mac) in [
        (PinProtocol::One, "9c1cfe9dd7646a06b9a80f96ad504968"),
        (
            PinProtocol::Two,
            "9c1cfe9dd7646a06b9a80f96ad504968949020530fa3d27a9ffdfa623693f784",
        ),
    ] {
        let token = PinUvAuthToken::restore(protocol, Secret([0x91; 32]));
        let param = token.authenticate(&mut crypto(), &[&[0xAA]]);
        assert_eq!(hex::encode(param), mac);
    }
}

#[test]
fn mozilla_derives_the_same_keys() {
    let Keys::Two(keys) = from_z(PinProtocol::Two, [0xFF; 32]).0 else {
        panic!("other keys");
    };
    assert_eq!(
        keys.hmac.0,
        array("570b4ed82aa5dfb49db79dbeaf4b315d8abb1a9867b245f3367026987c0d47a1")
    );
    assert_eq!(
        keys.aes.0,
        array("7d9a93c39baec741d141c6238d8e1846de323d8eed022cb397d19a73b98945e2")
    );
}

/// Gives one IV, again and again.
struct Iv([u8; 16]);

impl RngCore for Iv {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0[..bytes.len()]);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Iv {}

/// One example of WebAuthn Level 3 §16.17.1.2.
struct Example {
    protocol: PinProtocol,
    salts: &'static str,
    salt_enc: &'static str,
    outputs: &'static str,
    output_enc: &'static str,
}

const SALT_1: &str = "527413ebb48293772df30f031c5ac4650c7de14bf9498671ae163447b6a772b3";
const OUTPUT_1: &str = "3c33e07d202c3b029cc21f1722767021bf27d595933b3d2b6a1b9d5dddc77fae";

const EXAMPLES: [Example; 3] = [
    Example {
        protocol: PinProtocol::Two,
        salts: SALT_1,
        salt_enc: "23dde5e3462daf36559b85c4ac5f9656aa9bfd81c1dc2bf8533c8b9f38828547\
                   86b4f500e25b4e3d81f7fc7c74236229",
        outputs: OUTPUT_1,
        output_enc: "3bfaa48f7952330d63e35ff8cd5bca48d2a12823828915749287256ab146272f\
                     9fb437bf65691243c3f504bd7ea6d5e6",
    },
    Example {
        protocol: PinProtocol::Two,
        salts: "527413ebb48293772df30f031c5ac4650c7de14bf9498671ae163447b6a772b3\
                d68ac03329a10ee5e0ec834492bb9a96a0e547baf563bf78ccbe8789b22e776b",
        salt_enc: "d9f4236403e0fe843a8e4e5be764d120904c198ad6e77b089876a3391961f183\
                   b0008b4ca66b91cd72aa35b6151ff981f6e5649f3c040e6615ad7dd8ae96ef23\
                   b229a5c97c3f0dcd8605eee166ce163a",
        outputs: "3c33e07d202c3b029cc21f1722767021bf27d595933b3d2b6a1b9d5dddc77fae\
                  a62a8773b19cda90d7ed4ef72a80a804320dbd3997e2f663805ad1fd3293d50b",
        output_enc: "90ee52f739043bc17b3488a74306d7801debb5b61f18662c648a25b5b5678ede\
                     482cdaff99a537a44f064fcb10ce6e04dfd27619dc96a0daff8507e499296b1e\
                     ecf0981f7c8518b277a7a3018f5ec6fb",
    },
    Example {
        protocol: PinProtocol::One,
        salts: SALT_1,
        salt_enc: "ab8c878bb05d04700f077ed91845ec9c503c925cb12b327ddbeb4243c397f913",
        outputs: OUTPUT_1,
        output_enc: "15d4e4f3f04109b492b575c1b38c28585b6719cf8d61304215108d939f37ccfb",
    },
];

#[test]
fn webauthns_examples_of_hmac_secret_come_out() {
    let platform = KeyAgreementKey::from_private(PrivateKey::from_bytes(array(
        "0971bc7fb1be48270adcd3d9a5fc15d5fb0f335b3071ff36a54c007fa6c76514",
    )));
    let token = PublicPoint {
        x: array("a30522c2de402b561965c3cf949a1cab020c6f6ea36fcf7e911ac1a0f1515300"),
        y: array("9961a929abdb2f42e6566771887d41484d889e735e3248518a53112d2b915f00"),
    };
    for example in EXAMPLES {
        let secret = platform.decapsulate(&mut crypto(), example.protocol, &token);
        let secret = secret.ok().unwrap();
        let (salts, outputs) = (bytes(example.salts), bytes(example.outputs));
        let (salt_enc, output_enc) = (bytes(example.salt_enc), bytes(example.output_enc));

        let iv = salt_enc.first_chunk().copied().unwrap();
        let encrypted = secret.encrypt(&mut RustCrypto(Iv(iv)), &salts).unwrap();
        assert_eq!(encrypted.as_slice(), salt_enc);
        let decrypted = secret.decrypt(&mut crypto(), &output_enc).unwrap();
        assert_eq!(decrypted.as_slice(), outputs);

        let random =
            array::<32>("437e065e723a98b2f08f39d8baf7c53ecb3c363c5e5104bdaaf5d5ca2e028154");
        for (salt, output) in salts.chunks(32).zip(outputs.chunks(32)) {
            let made = crypto().hmac_sha256(&random, &[salt]);
            assert_eq!(made.0, output);
        }
    }
}

fn bytes(text: &str) -> std::vec::Vec<u8> {
    hex::decode(text).unwrap()
}
