//! The connectors to certification authorities: to CA Gateway against the
//! stand-in, to cfssl against the real one.

#![allow(clippy::unwrap_used)]

mod actions;
mod cfssl;
mod check;
mod enrolments;
mod faults;

use jiff::Timestamp;
use keysteward_server::connector::ca::{
    AlternativeName, AlternativeNameKind, CertificationAuthority, CertificationRequest,
    ClientIdentity, Enrolled, Enrolment, Issued, Now, SubjectAttribute,
    entrust::{EntrustCaGateway, Settings},
};
use keysteward_tests::ca_gateway_stand_in::{CaGatewayStandIn, Failure, Fault, Options, When};
use rcgen::{CertificateParams, KeyPair};
use std::time::SystemTime;

/// A gateway of its own for each test.
struct Site {
    stand_in: CaGatewayStandIn,
    ca: EntrustCaGateway,
}

impl Site {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let stand_in = CaGatewayStandIn::start(options).await.unwrap();
        let ca = connect(&settings(&stand_in), &client(&stand_in));
        Self { stand_in, ca }
    }

    /// Makes the next such request fail.
    fn fault(&self, method: &str, path_suffix: &str, when: When, failure: Failure) {
        self.stand_in.inject(Fault {
            method: method.to_owned(),
            path_suffix: path_suffix.to_owned(),
            skip: 0,
            when,
            failure,
        });
    }

    /// A connector that waits for a second only.
    fn hasty(&self) -> EntrustCaGateway {
        let identity = client(&self.stand_in);
        let settings = Settings {
            time_limit_s: 1,
            ..settings(&self.stand_in)
        };
        connect(&settings, &identity)
    }

    async fn issue(&self) -> Issued {
        issued(self.ca.enrol(&bob()).await.unwrap())
    }
}

fn settings(stand_in: &CaGatewayStandIn) -> Settings {
    Settings {
        url: stand_in.url(),
        ca_id: stand_in.options().ca_id.clone(),
        client_id: stand_in.options().client_id.clone().unwrap_or_default(),
        trusted_roots: stand_in.root().to_owned(),
        time_limit_s: 0,
    }
}

fn client(stand_in: &CaGatewayStandIn) -> ClientIdentity {
    ClientIdentity::from_pem(&stand_in.client("versasec").unwrap().pem).unwrap()
}

fn connect(settings: &Settings, identity: &ClientIdentity) -> EntrustCaGateway {
    EntrustCaGateway::new(settings, identity, clock()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "what OpenSSL and Go see too")]
fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap()
}

fn clock() -> Now {
    Now::new(now)
}

fn issued(enrolled: Enrolled) -> Issued {
    match enrolled {
        Enrolled::Issued(issued) => issued,
        Enrolled::Pending(reference) => panic!("pending as {reference}"),
    }
}

/// A request for a fresh key.
fn bob() -> Enrolment {
    request(&KeyPair::generate().unwrap())
}

fn request(key: &KeyPair) -> Enrolment {
    let der = CertificateParams::default().serialize_request(key).unwrap();
    let attribute = |name: &str, value: &str| SubjectAttribute {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let name = |kind, value: &str| AlternativeName {
        kind,
        value: value.to_owned(),
    };
    Enrolment {
        request_id: "operation-1".to_owned(),
        profile: "smart-card-csr".to_owned(),
        request: CertificationRequest::verify(der.der()).unwrap(),
        subject: vec![attribute("o", "Acme"), attribute("cn", "Bob Smith")],
        alternative_names: vec![
            name(AlternativeNameKind::Upn, "bob@ad.example.com"),
            name(AlternativeNameKind::Mail, "bob.smith@example.com"),
        ],
        days: None,
        asked_at: now(),
        known: Vec::new(),
    }
}
