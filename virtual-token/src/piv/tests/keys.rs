use super::{Error, Session, card, factory_key, pin, with};
use keysteward_core::crypto::{Crypto, PublicPoint, RustCrypto};
use keysteward_core::piv::pkcs1::{Digest, pad};
use keysteward_core::piv::session::{AdminVerified, Instruction};
use keysteward_core::piv::yubico::{import_key, metadata, move_key};
use keysteward_core::piv::{Algorithm, KeyReference, PinPolicy, PublicKey, TouchPolicy, generate};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use rand_core::OsRng;
use rsa::BigUint;

const NINE_A: KeyReference = KeyReference::Authentication;

fn make(
    session: &mut Session<'_>,
    admin: &AdminVerified,
    key: KeyReference,
    algorithm: Algorithm,
) -> Vec<u8> {
    let request = generate::Request {
        key,
        algorithm,
        pin_policy: None,
        touch_policy: None,
    };
    let public = session.generate(admin, &request).unwrap();
    let mut room = [0; 600];
    public.encode(&mut room).unwrap().to_vec()
}

#[test]
fn keys_that_are_made_sign() {
    let mut card = card();
    let digest = RustCrypto(OsRng).sha256(&[b"message"]);
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        for algorithm in [
            Algorithm::P256,
            Algorithm::P384,
            Algorithm::Ed25519,
            Algorithm::Rsa2048,
        ] {
            let answer = make(session, &admin, NINE_A, algorithm);
            let public = PublicKey::parse(&answer, algorithm).unwrap();
            let mut block = [0; 256];
            pad(Digest::Sha256, &digest, &mut block).unwrap();
            let block = match algorithm {
                Algorithm::Rsa2048 => &block[..],
                Algorithm::Ed25519 => b"message",
                _ => &digest,
            };
            let signature = session
                .sign(Some(&pin("123456")), NINE_A, algorithm, block)
                .unwrap();
            match public {
                PublicKey::P256(point) => {
                    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
                    let signature = p256::ecdsa::Signature::from_der(signature).unwrap();
                    key.verify_prehash(&digest, &signature).unwrap();
                }
                PublicKey::P384(point) => {
                    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
                    let signature = p384::ecdsa::Signature::from_der(signature).unwrap();
                    key.verify_prehash(&digest, &signature).unwrap();
                }
                PublicKey::Ed25519(key) => {
                    let _ = RustCrypto(OsRng)
                        .ed25519_verify(key, &[b"message"], signature)
                        .unwrap();
                }
                PublicKey::Rsa { modulus, exponent } => {
                    let [n, e, s] = [modulus, exponent, signature].map(BigUint::from_bytes_be);
                    assert_eq!(s.modpow(&e, &n), BigUint::from_bytes_be(block));
                }
                PublicKey::X25519(_) => unreachable!(),
            }
        }
    });
}

#[test]
fn keys_that_are_made_agree() {
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        let key = KeyReference::KeyManagement;
        let answer = make(session, &admin, key, Algorithm::P256);
        let PublicKey::P256(theirs) = PublicKey::parse(&answer, Algorithm::P256).unwrap() else {
            unreachable!()
        };
        let mut crypto = RustCrypto(OsRng);
        let ours = crypto.p256_generate().unwrap();
        let PublicPoint { x, y } = crypto.p256_public(&ours).unwrap();
        let point = [&[0x04][..], &x, &y].concat();
        let pin = pin("123456");
        let shared = session
            .agree(Some(&pin), key, Algorithm::P256, &point)
            .unwrap();
        let peer = PublicPoint {
            x: theirs[1..33].try_into().unwrap(),
            y: theirs[33..].try_into().unwrap(),
        };
        assert_eq!(shared, crypto.p256_agree(&ours, &peer).unwrap().0);

        let answer = make(session, &admin, key, Algorithm::X25519);
        let PublicKey::X25519(theirs) = PublicKey::parse(&answer, Algorithm::X25519).unwrap()
        else {
            unreachable!()
        };
        let ours = x25519_dalek::StaticSecret::from([9; 32]);
        let point = x25519_dalek::PublicKey::from(&ours);
        let shared = session
            .agree(Some(&pin), key, Algorithm::X25519, point.as_bytes())
            .unwrap();
        let expected = ours.diffie_hellman(&x25519_dalek::PublicKey::from(*theirs));
        assert_eq!(shared, expected.as_bytes());
    });
}

#[test]
fn a_key_wants_the_pin_as_its_policy_says() {
    let mut card = card();
    let digest = [7; 32];
    let pin = pin("123456");
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        for key in KeyReference::MAIN {
            make(session, &admin, key, Algorithm::P256);
        }
        let sign = |session: &mut Session<'_>, key, pin| {
            session
                .sign(pin, key, Algorithm::P256, &digest)
                .map(<[u8]>::len)
                .err()
        };
        let refused = |key| Some(Error::NotAuthenticated(Instruction::UseKey(key)));
        let (signature, card_key) = (KeyReference::Signature, KeyReference::CardAuthentication);
        assert_eq!(sign(session, card_key, None), None, "wants none");
        assert_eq!(sign(session, NINE_A, None), refused(NINE_A));
        assert_eq!(sign(session, signature, None), refused(signature));
        assert_eq!(sign(session, NINE_A, Some(&pin)), None);
        assert_eq!(sign(session, NINE_A, None), None, "once is enough");
        assert_eq!(
            sign(session, signature, None),
            refused(signature),
            "not here"
        );
        assert_eq!(sign(session, signature, Some(&pin)), None);
        assert_eq!(
            sign(session, signature, None),
            refused(signature),
            "each time"
        );
        let _ = session.verify(&pin).unwrap();
        session.guid().unwrap();
        assert_eq!(
            sign(session, signature, None),
            refused(signature),
            "not just now"
        );
    });
}

#[test]
fn keys_are_imported_and_say_so() {
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        let scalar = [0x5A; 32];
        let request = import_key::Request {
            key: NINE_A,
            algorithm: Algorithm::P256,
            secret: import_key::Secret::Ec(&scalar),
            pin_policy: Some(PinPolicy::Never),
            touch_policy: Some(TouchPolicy::Never),
        };
        session.import(&admin, &request).unwrap();
        let of = metadata::Request { of: NINE_A.id() };
        let known = session.metadata(of).unwrap().unwrap();
        assert_eq!(known.generated, Some(false));
        assert_eq!(known.pin_policy, Some(PinPolicy::Never));
        let expected = p256::SecretKey::from_slice(&scalar).unwrap().public_key();
        let Some(PublicKey::P256(point)) = known.public_key() else {
            panic!("{known:?}")
        };
        assert_eq!(point[..], *expected.to_encoded_point(false).as_bytes());
        assert_eq!(session.attest(NINE_A), Ok(None), "it was not made here");

        let zero = import_key::Secret::Ec(&[0; 32]);
        let refused = session.import(
            &admin,
            &import_key::Request {
                secret: zero,
                ..request
            },
        );
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    });
}

#[test]
fn rsa_keys_are_imported_from_their_halves() {
    use rsa::traits::PrivateKeyParts;
    let mut key = rsa::RsaPrivateKey::new(&mut OsRng, 1024).unwrap();
    key.precompute().unwrap();
    let bytes = |number: &BigUint| {
        let bytes = number.to_bytes_be();
        [vec![0; 64 - bytes.len()], bytes].concat()
    };
    let (p, q) = (bytes(&key.primes()[0]), bytes(&key.primes()[1]));
    let (dp, dq) = (bytes(key.dp().unwrap()), bytes(key.dq().unwrap()));
    let q_inverse = bytes(&key.qinv().unwrap().to_biguint().unwrap());
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        let request = import_key::Request {
            key: KeyReference::Retired(3),
            algorithm: Algorithm::Rsa1024,
            secret: import_key::Secret::Rsa {
                p: &p,
                q: &q,
                dp: &dp,
                dq: &dq,
                q_inverse: &q_inverse,
            },
            pin_policy: Some(PinPolicy::Never),
            touch_policy: None,
        };
        session.import(&admin, &request).unwrap();
        let mut block = [0; 128];
        pad(Digest::Sha256, &[1; 32], &mut block).unwrap();
        let signature = session
            .sign(None, request.key, request.algorithm, &block)
            .unwrap();
        let signature = BigUint::from_bytes_be(signature);
        let expected =
            rsa::hazmat::rsa_decrypt(None::<&mut OsRng>, &key, &BigUint::from_bytes_be(&block));
        assert_eq!(signature, expected.unwrap());
    });
}

#[test]
fn keys_are_moved_and_deleted() {
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        make(session, &admin, NINE_A, Algorithm::P256);
        let to = KeyReference::Retired(0);
        let request = move_key::Request {
            from: NINE_A,
            to: Some(to),
        };
        session.move_key(&admin, request).unwrap();
        let gone = session.move_key(&admin, request);
        assert_eq!(gone, Err(Error::NoKey { key: NINE_A }));
        make(session, &admin, NINE_A, Algorithm::P256);
        let taken = session.move_key(&admin, request);
        assert!(matches!(taken, Err(Error::Refused { .. })), "{taken:?}");
        let deleted = move_key::Request { from: to, to: None };
        session.move_key(&admin, deleted).unwrap();
        let none = session.sign(None, to, Algorithm::P256, &[7; 32]);
        assert_eq!(none, Err(Error::NoKey { key: to }));
    });
}

#[test]
fn a_block_that_the_key_cannot_sign_is_refused() {
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        let key = KeyReference::CardAuthentication;
        make(session, &admin, key, Algorithm::P256);
        for (algorithm, block) in [
            (Algorithm::P256, &[7; 8][..]),
            (Algorithm::P384, &[7; 48]),
            (Algorithm::Rsa2048, &[7; 256]),
        ] {
            let refused = session.sign(None, key, algorithm, block);
            assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
        }
        let off_the_curve = [0x04; 65];
        let refused = session.agree(None, key, Algorithm::P256, &off_the_curve);
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    });
}

#[test]
fn a_key_that_was_made_on_the_card_is_vouched_for() {
    let mut card = card();
    with(&mut card, |session| {
        let admin = session.authenticate_admin(&mut factory_key()).unwrap();
        let issuer = session
            .read_certificate(KeyReference::Attestation)
            .unwrap()
            .unwrap()
            .bytes
            .to_vec();
        for algorithm in [Algorithm::P256, Algorithm::Rsa2048] {
            let answer = make(session, &admin, NINE_A, algorithm);
            let mut room = [0; PublicKey::MAX_SPKI];
            let public = PublicKey::parse(&answer, algorithm).unwrap();
            let spki = public.spki(&mut room).unwrap();
            let attestation = session.attest(NINE_A).unwrap().unwrap().to_vec();
            let holds = |part: &[u8]| attestation.windows(part.len()).any(|window| window == part);
            assert!(holds(spki), "its public key");
            assert!(holds(b"Keysteward PIV Attestation 9a"));
            assert!(holds(b"Keysteward Virtual PIV Attestation"), "who says so");
            assert!(
                holds(b"\x03\x07\x04\x07\x02\x05\x00\x80\x00\x12\x34"),
                "serial"
            );
            assert!(issuer.len() > 200);
        }
    });
}
