//! What a CA inside the server publishes, on a real socket, as OpenSSL sees it.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use tokio::task::JoinHandle;

use super::*;
use crate::{
    connector::ca::{
        self, CertificationAuthority, CertificationRequest, Enrolled, Enrolment, Issued, Reason,
        SubjectAttribute,
        builtin::{self, PublishUrl},
        publication::{self, Limits},
    },
    operation::{Authorities as _, Connections},
    settings::Publish,
    store::{ConnectionId, connection::Connection},
};

/// A CA in a database, whose certificates say where it is served.
struct Office {
    folder: tempfile::TempDir,
    address: SocketAddr,
    row: Connection,
    store: Store,
    keys: Arc<KeyStore>,
}

impl Office {
    async fn new(settings: &Settings, address: SocketAddr, folder: tempfile::TempDir) -> Self {
        init::init(settings, Clock::system()).await.unwrap();
        let store = Store::open(&settings.database()).await.unwrap();
        let keys = Arc::new(KeyStore::load(&settings.master_key).unwrap());
        let url = format!("http://{address}/pki/office");
        let now = Timestamp::from_microsecond(Clock::system().now().0).unwrap();
        let (made, secret) = builtin::Settings::create("Office CA", &url, 30, now).unwrap();
        fs::write(folder.path().join("ca.pem"), &made.authority).unwrap();
        let id = ConnectionId::new();
        let row = Connection {
            id,
            name: "office".to_owned(),
            kind: ca::Settings::BUILTIN.to_owned(),
            settings: serde_json::to_string(&ca::Settings::Builtin(made)).unwrap(),
            sealed_secret: keys.seal(Connections::context(&id.to_string()), secret.expose()),
            checked_at: None,
            check_error: None,
            created_at: Clock::system().now(),
        };
        let mut tx = store.write().await.unwrap();
        store::connection::insert(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        Self {
            folder,
            address,
            row,
            store,
            keys,
        }
    }

    /// OpenSSL's standard output and error as one text.
    fn openssl(&self, arguments: &str) -> (bool, String) {
        run("openssl", arguments, self.folder.path())
    }

    /// What it thinks of the certificate, with the list that it fetches itself.
    fn verify(&self) -> (bool, String) {
        self.openssl("verify -CAfile ca.pem -crl_check -crl_download bob.pem")
    }

    fn ocsp(&self) -> String {
        let url = format!("http://{}/pki/office/ocsp", self.address);
        let ask = format!(
            "ocsp -url {url} -issuer ca.pem -cert bob.pem -CAfile ca.pem -verify_other ca.pem"
        );
        self.openssl(&ask).1
    }
}

fn run(program: &str, arguments: &str, folder: &Path) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program)
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap_or_else(|_| panic!("{program} must be installed: apt-get install {program}"));
    let text = [stdout, stderr].concat();
    (
        status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

async fn issue(ca: &dyn CertificationAuthority) -> Issued {
    let request = CertificateParams::default()
        .serialize_request(&KeyPair::generate().unwrap())
        .unwrap();
    let enrolment = Enrolment {
        request_id: "1".to_owned(),
        profile: "client-authentication".to_owned(),
        request: CertificationRequest::verify(request.der()).unwrap(),
        subject: vec![SubjectAttribute {
            name: "cn".to_owned(),
            value: "Bob Smith".to_owned(),
        }],
        alternative_names: Vec::new(),
        days: None,
        asked_at: Timestamp::from_microsecond(Clock::system().now().0).unwrap(),
        known: Vec::new(),
    };
    match ca.enrol(&enrolment).await.unwrap() {
        Enrolled::Issued(issued) => issued,
        Enrolled::Pending(reference) => panic!("pending as {reference}"),
    }
}

/// Serves what the database says, as the server does.
fn publish(
    listener: tokio::net::TcpListener,
    connections: Arc<Connections>,
) -> (CancellationToken, JoinHandle<()>) {
    let stop = CancellationToken::new();
    let served = publication::serve(listener, connections, Limits::default(), stop.clone());
    (stop, tokio::spawn(served))
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_follows_a_certificate_to_its_list_and_its_responder_through_its_life() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let office = Office::new(&settings, address, folder).await;
    let connections = Arc::new(Connections::new(
        office.keys.clone(),
        office.store.clone(),
        Clock::system(),
    ));
    let ca = connections.authority(&office.row).unwrap();
    let issued = issue(&*ca).await;
    let path = office.folder.path();
    fs::write(path.join("bob.der"), issued.certificate()).unwrap();
    assert!(
        office
            .openssl("x509 -inform DER -in bob.der -out bob.pem")
            .0
    );
    let (stop, served) = publish(listener, connections);

    let (good, text) = office.verify();
    assert!(good, "{text}");
    let text = office.ocsp();
    // With a nonce: OpenSSL sends one and compares.
    assert!(
        text.contains("Response verify OK") && text.contains("bob.pem: good"),
        "{text}"
    );
    assert!(!text.contains("WARNING"), "{text}");

    ca.hold(issued.serial()).await.unwrap();
    let (good, text) = office.verify();
    assert!(!good && text.contains("certificate revoked"), "{text}");
    let text = office.ocsp();
    assert!(text.contains("Reason: certificateHold"), "{text}");

    ca.unhold(issued.serial()).await.unwrap();
    let (good, text) = office.verify();
    assert!(good, "{text}");
    assert!(office.ocsp().contains("bob.pem: good"));

    ca.revoke(issued.serial(), Reason::Superseded)
        .await
        .unwrap();
    let (good, text) = office.verify();
    assert!(!good && text.contains("certificate revoked"), "{text}");
    assert!(office.ocsp().contains("Reason: superseded"));

    // RFC 6960 appendix A.1.1: the question in the path, base64 and then escaped.
    let base = format!("http://{address}/pki/office");
    let ask = "ocsp -issuer ca.pem -cert bob.pem -no_nonce -reqout question.der";
    assert!(office.openssl(ask).0);
    let (_, question) = office.openssl("base64 -A -in question.der");
    let question = question
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let fetched = run(
        "curl",
        &format!("-sSf -o answer.der {base}/ocsp/{question}"),
        path,
    );
    assert!(fetched.0, "{}", fetched.1);
    let (_, text) = office.openssl(
        "ocsp -respin answer.der -issuer ca.pem -cert bob.pem -CAfile ca.pem -verify_other ca.pem",
    );
    assert!(
        text.contains("Response verify OK") && text.contains("bob.pem: revoked"),
        "{text}"
    );

    let fetched = run(
        "curl",
        &format!("-sSf -o crl.der {base}/crl -o ca.der {base}/ca.cer"),
        path,
    );
    assert!(fetched.0, "{}", fetched.1);
    let (_, text) = office.openssl("crl -inform DER -in crl.der -CAfile ca.pem -noout -text");
    assert!(
        text.contains("verify OK") && text.contains("Next Update"),
        "{text}"
    );
    assert!(text.contains("Superseded"), "{text}");
    let (_, fetched) = office.openssl("x509 -inform DER -in ca.der");
    let (_, own) = office.openssl("x509 -in ca.pem");
    assert_eq!(fetched, own);

    stop.cancel();
    timeout(Duration::from_secs(20), served)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_serves_what_its_authorities_publish_until_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    // A port that was free a moment ago.
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let office = Office::new(&settings, address, folder).await;
    settings.publish = Some(Publish {
        listen: address,
        urls: vec![PublishUrl::parse(&format!("http://{address}/pki")).unwrap()],
    });
    let stop = CancellationToken::new();
    let served = tokio::spawn({
        let stop = stop.clone();
        async move { serve(&settings, stop).await }
    });
    let ask = format!("-sSf -o own.der http://{address}/pki/office/ca.cer");
    let fetch = || run("curl", &ask, office.folder.path()).0;
    timeout(Duration::from_secs(20), async {
        while !fetch() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    let (_, own) = office.openssl("x509 -inform DER -in own.der");
    assert_eq!(own, office.openssl("x509 -in ca.pem").1);
    stop.cancel();
    timeout(Duration::from_secs(20), served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(!fetch());
}

#[tokio::test]
async fn a_server_does_not_start_where_nobody_could_check_its_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    let address = SocketAddr::from(([192, 0, 2, 1], 80));
    let _office = Office::new(&settings, address, folder).await;
    let refused = async |settings: &Settings| {
        let refusal = serve(settings, CancellationToken::new()).await.unwrap_err();
        format!("{refusal:#}")
    };
    let refusal = refused(&settings).await;
    for part in ["\"office\"", "http://192.0.2.1/pki/office", "publish.urls"] {
        assert!(refusal.contains(part), "{refusal}");
    }
    settings.publish = Some(Publish {
        listen: "127.0.0.1:0".parse().unwrap(),
        urls: vec![PublishUrl::parse("http://pki.example.com").unwrap()],
    });
    let refusal = refused(&settings).await;
    assert!(refusal.contains("http://pki.example.com"), "{refusal}");
}
