//! Format `android-key`, by a paper phone.

use super::*;

/// What the phone says of its key; a test changes what it wants wrong.
struct Description {
    version: u16,
    challenge: Vec<u8>,
    software: Vec<Vec<u8>>,
    hardware: Vec<Vec<u8>>,
}

fn integer(value: u8) -> Vec<u8> {
    der(&[0x02], &[&[value]])
}

/// [1] EXPLICIT SET OF INTEGER
fn purposes(purposes: &[u8]) -> Vec<u8> {
    let set: Vec<u8> = purposes
        .iter()
        .flat_map(|purpose| integer(*purpose))
        .collect();
    der(&[0xA1], &[&der(&[0x31], &[&set])])
}

/// [600] EXPLICIT NULL
fn all_applications() -> Vec<u8> {
    der(&[0xBF, 0x84, 0x58], &[&[0x05, 0x00]])
}

/// [702] EXPLICIT INTEGER
fn origin(origin: u8) -> Vec<u8> {
    der(&[0xBF, 0x85, 0x3E], &[&integer(origin)])
}

impl Description {
    fn new() -> Self {
        Self {
            version: 4,
            challenge: CLIENT_DATA_HASH.to_vec(),
            // [701] creationDateTime
            software: vec![der(&[0xBF, 0x85, 0x3D], &[&integer(9)])],
            hardware: vec![purposes(&[2, 3]), origin(0)],
        }
    }

    fn encode(&self) -> Vec<u8> {
        let version = der(&[0x02], &[&self.version.to_be_bytes()]);
        let level = der(&[0x0A], &[&[1]]);
        der(
            &[0x30],
            &[
                &version,
                &level,
                &version,
                &level,
                &der(&[0x04], &[&self.challenge]),
                &der(&[0x04], &[]),
                &der(&[0x30], &[&self.software.concat()]),
                &der(&[0x30], &[&self.hardware.concat()]),
            ],
        )
    }
}

struct Phone {
    credential: Credential,
    maker: Maker,
}

impl Phone {
    fn with(extensions: Vec<CustomExtension>) -> Self {
        let key = KeyPair::generate().unwrap();
        let credential = Credential::of(&key);
        let maker = Maker::with_key_and(key, |certificate| {
            certificate.custom_extensions = extensions;
        });
        Self { credential, maker }
    }

    fn check(&self) -> Result<VerifiedAttestation, Refusal> {
        self.check_for(&self.credential)
    }

    fn check_for(&self, credential: &Credential) -> Result<VerifiedAttestation, Refusal> {
        let data = credential.auth_data();
        let (sig, chain) = (self.maker.sign(&data), self.maker.x5c());
        let statement = statement(&[
            ("alg", &-7_i64),
            ("sig", &sig.as_slice()),
            ("x5c", &List::new(&chain)),
        ]);
        check(
            &object("android-key", &statement, &data),
            &rooted(&self.maker),
        )
    }
}

fn described(content: Vec<u8>) -> Phone {
    Phone::with(vec![extension(DESCRIPTION_OID, false, content)])
}

fn refused(change: impl FnOnce(&mut Description)) -> Refusal {
    let mut description = Description::new();
    change(&mut description);
    described(description.encode()).check().unwrap_err()
}

#[test]
fn a_key_in_hardware_is_believed_from_keymaster_and_from_keymint() {
    for version in [1, 3, 4, 41, 100, 200, 300, 400] {
        let description = Description {
            version,
            ..Description::new()
        };
        let verified = described(description.encode()).check().unwrap();
        assert_eq!(
            verified.to_string(),
            "android-key, proven to CN=Example Root"
        );
    }
}

#[test]
fn an_android_key_is_for_this_challenge_for_one_application_generated_and_for_signing() {
    type Spoil = fn(&mut Description);
    let cases: [(Spoil, AndroidKeyFault); 9] = [
        (|d| d.challenge[0] ^= 1, AndroidKeyFault::OtherChallenge),
        (
            |d| d.software.push(all_applications()),
            AndroidKeyFault::AllApplications,
        ),
        (
            |d| d.hardware.push(all_applications()),
            AndroidKeyFault::AllApplications,
        ),
        // Imported.
        (
            |d| d.hardware = vec![purposes(&[2]), origin(2)],
            AndroidKeyFault::NotGenerated,
        ),
        (
            |d| d.hardware = vec![purposes(&[2])],
            AndroidKeyFault::NotGenerated,
        ),
        // Only the operating system says so.
        (
            |d| core::mem::swap(&mut d.software, &mut d.hardware),
            AndroidKeyFault::NotGenerated,
        ),
        (
            |d| d.hardware = vec![purposes(&[0, 1]), origin(0)],
            AndroidKeyFault::NotForSigning,
        ),
        (
            |d| d.hardware = vec![origin(0)],
            AndroidKeyFault::NotForSigning,
        ),
        (
            |d| {
                d.software.push(purposes(&[2]));
                d.hardware = vec![origin(0)];
            },
            AndroidKeyFault::NotForSigning,
        ),
    ];
    for (spoil, fault) in cases {
        assert_eq!(refused(spoil), Refusal::AndroidKey(fault));
    }
}

#[test]
fn a_key_description_is_there_and_readable() {
    assert_eq!(
        Phone::with(vec![]).check(),
        Err(Refusal::AndroidKey(AndroidKeyFault::NoDescription))
    );
    let whole = Description::new().encode();
    let longer = [whole.as_slice(), &[0x05, 0x00]].concat();
    let short = der(&[0x30], &[&integer(4)]);
    let universal = Description {
        hardware: vec![integer(2)],
        ..Description::new()
    };
    for content in [vec![], longer, short, universal.encode()] {
        assert_eq!(
            described(content).check(),
            Err(Refusal::AndroidKey(AndroidKeyFault::DescriptionUnreadable))
        );
    }
}

#[test]
fn an_android_certificate_is_for_the_credentials_own_key_and_it_signs() {
    let phone = described(Description::new().encode());
    assert_eq!(
        phone.check_for(&Credential::new()),
        Err(Refusal::AndroidKey(AndroidKeyFault::OtherKey))
    );
    let data = phone.credential.auth_data();
    let (sig, chain) = (phone.maker.sign(b"something else"), phone.maker.x5c());
    let statement = statement(&[
        ("alg", &-7_i64),
        ("sig", &sig.as_slice()),
        ("x5c", &List::new(&chain)),
    ]);
    assert_eq!(
        check(
            &object("android-key", &statement, &data),
            &rooted(&phone.maker)
        ),
        Err(Refusal::WrongSignature)
    );
}

const DESCRIPTION_OID: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 1, 17];
