//! The server's files of trust, when it starts.

use super::{
    metadata::{SIGNER, Service, entry},
    *,
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

fn truststore(path: &Path) -> Result<Anchors, AnchorError> {
    let files = Files {
        truststore: Some(path.to_owned()),
        metadata: None,
    };
    Anchors::load(&files, now())
}

fn believes(anchors: &Anchors, maker: &Maker) -> bool {
    let trust = anchors
        .trust::<&str>(&[], &[Source::Truststore], Unrooted::default())
        .unwrap();
    check(&packed(maker, &Credential::new().auth_data()), &trust).is_ok()
}

#[test]
fn a_truststore_is_a_file_or_a_folder_of_roots() {
    let (one, other, stranger) = (Maker::new(), Maker::new(), Maker::new());
    let folder = Folder::new();
    let both = folder.write("both.pem", &(one.root.clone() + &other.root));
    folder.write("roots/one.pem", &one.root);
    folder.write("roots/other.pem", &other.root);
    folder.write("roots/.swp", "an editor's");
    for path in [both, folder.0.path().join("roots")] {
        let anchors = truststore(&path).unwrap();
        assert!(believes(&anchors, &one) && believes(&anchors, &other));
        assert!(!believes(&anchors, &stranger));
    }
}

#[test]
fn a_file_in_a_truststore_that_holds_no_root_is_named() {
    let folder = Folder::new();
    folder.write("roots/a.pem", &Maker::new().root);
    let readme = folder.write("roots/readme.txt", "our roots");
    let roots = folder.0.path().join("roots");
    match truststore(&roots).unwrap_err() {
        AnchorError::Empty { path } => assert_eq!(path, readme),
        other => panic!("{other}"),
    }
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&readme, broken).unwrap();
    match truststore(&roots).unwrap_err() {
        AnchorError::Root { path, .. } => assert_eq!(path, readme),
        other => panic!("{other}"),
    }
    let empty = folder.0.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(matches!(truststore(&empty), Err(AnchorError::Empty { .. })));
    assert!(matches!(
        truststore(&folder.0.path().join("missing")),
        Err(AnchorError::Unreadable { .. })
    ));
    let long = folder.write("long.pem", "");
    fs::File::options()
        .write(true)
        .open(&long)
        .unwrap()
        .set_len(65 * 1024 * 1024)
        .unwrap();
    assert!(matches!(
        truststore(&long),
        Err(AnchorError::TooLong { .. })
    ));
}

#[test]
fn metadata_are_read_whole_and_a_fault_in_them_names_the_file() {
    let folder = Folder::new();
    let maker = Maker::new();
    let service = Service::new(json!([entry(&maker, json!([]))]));
    let blob = folder.write("blob.jwt", &service.blob());
    let files = |blob: PathBuf| Files {
        truststore: None,
        metadata: Some(MetadataFiles {
            blob,
            root: folder.write("root.pem", &service.maker.root),
            signer: SIGNER.to_owned(),
            stale: Stale::Refuse,
        }),
    };
    let anchors = Anchors::load(&files(blob.clone()), now()).unwrap();
    let facts = anchors.facts(now()).unwrap();
    assert_eq!((facts.number, facts.models, facts.stale), (15, 1, false));
    let trust = anchors
        .trust::<&str>(&[], &[Source::Metadata], Unrooted::default())
        .unwrap();
    check(&packed(&maker, &Credential::new().auth_data()), &trust).unwrap();

    let later = "2027-01-01T00:00:00Z".parse().unwrap();
    anchors.check(&[Source::Metadata], now()).unwrap();
    assert!(matches!(
        anchors.check(&[Source::Metadata], later),
        Err(Refusal::StaleMetadata { .. })
    ));

    let whole = service.blob();
    let cut = folder.write("cut.jwt", &whole[..whole.len() - 40]);
    let refusal = Anchors::load(&files(cut.clone()), now()).unwrap_err();
    assert!(matches!(&refusal, AnchorError::Metadata { path, .. } if *path == cut));
    let text = refusal.to_string();
    assert!(
        text.contains("cut.jwt") && text.contains("signature"),
        "{text}"
    );
    assert!(matches!(
        Anchors::load(&files(folder.0.path().join("missing")), now()),
        Err(AnchorError::Unreadable { .. })
    ));
}

#[test]
fn a_source_that_the_settings_do_not_name_is_refused() {
    let anchors = Anchors::default();
    for (source, key) in [
        (Source::Truststore, "attestation.truststore"),
        (Source::Metadata, "attestation.metadata"),
    ] {
        let refusal = anchors.check(&[source], now()).unwrap_err();
        assert!(refusal.to_string().contains(key), "{refusal}");
        assert!(
            anchors
                .trust::<&str>(&[], &[source], Unrooted::default())
                .is_err()
        );
    }
    anchors.check(&[], now()).unwrap();
}
