//! Certification authorities as an administrator connects them, and templates that ask them
//! for certificates.

use super::*;

fn office(name: &str, publish_url: &str) -> wire::CreateConnectionRequest {
    authority(
        name,
        wire::connection::Settings::BuiltinCa(wire::BuiltinCa {
            name: "Office CA".into(),
            publish_url: publish_url.into(),
            ..wire::BuiltinCa::default()
        }),
    )
}

#[tokio::test]
async fn an_authority_is_made_only_where_its_certificates_can_be_checked() {
    let bench = Bench::new().await;
    let admin = bench.with(&[Scope::Admin, Scope::Read]).await;
    let mut connections = ConnectionsClient::new(admin);
    let made = office("office", "http://PKI.example.com/office/");
    let made = connections.create(made).await.unwrap().into_inner();
    let Some(wire::connection::Settings::BuiltinCa(ca)) = made.settings else {
        panic!("{made:?}");
    };
    assert_eq!(ca.publish_url, "http://pki.example.com/office");
    for (url, allowed) in [
        // Not at or below an address of the server's settings.
        ("http://other.example.com/office", "http://pki.example.com"),
        // Somebody answers there already.
        ("http://pki.example.com/office", "\"office\""),
        ("https://pki.example.com/plant", "http://"),
    ] {
        let refused = connections.create(office("plant", url)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let detail = detail(&refused);
        assert_eq!(detail.field, "connection.builtin_ca.publish_url");
        assert!(detail.allowed.contains(allowed), "{detail:?}");
    }
    let listed = connections.list(wire::ListConnectionsRequest {}).await;
    assert_eq!(listed.unwrap().get_ref().connections.len(), 1);
    let plant = office("plant", "http://pki.example.com/plant");
    connections.create(plant).await.unwrap();
}

#[tokio::test]
async fn a_wrong_setting_is_named_as_the_interface_names_it() {
    let bench = Bench::new().await;
    let admin = bench.with(&[Scope::Admin, Scope::Read]).await;
    let mut connections = ConnectionsClient::new(admin);
    let gateway = wire::connection::Settings::EntrustCaGateway(wire::EntrustCaGateway {
        url: "https://cagw.example.com/cagw".into(),
        ..wire::EntrustCaGateway::default()
    });
    let cfssl = wire::connection::Settings::Cfssl(wire::Cfssl {
        url: "ftp://cfssl.example.com".into(),
        profiles: vec!["card".into()],
        ..wire::Cfssl::default()
    });
    let patient = wire::connection::Settings::Cfssl(wire::Cfssl {
        url: "https://cfssl.example.com".into(),
        profiles: vec!["card".into()],
        time_limit_s: 301,
        ..wire::Cfssl::default()
    });
    let with = |settings: &wire::connection::Settings, api_key: &str, pkcs12: &[u8]| {
        let mut request = office("x", "");
        request.connection.as_mut().unwrap().settings = Some(settings.clone());
        request.api_key = api_key.into();
        request.pkcs12 = pkcs12.into();
        request.pkcs12_password = "geheim".into();
        request
    };
    for (request, field) in [
        (office("x", "nonsense"), "connection.builtin_ca.publish_url"),
        (with(&gateway, "", b"nonsense"), "pkcs12"),
        (with(&cfssl, "", b""), "connection.cfssl.url"),
        (with(&patient, "", b""), "connection.cfssl.time_limit_s"),
        (with(&cfssl, "nonsense", b""), "connection.cfssl.url"),
    ] {
        let refused = connections.create(request).await.unwrap_err();
        let detail = detail(&refused);
        assert_eq!(detail.field, field, "{detail:?}");
        let text = format!("{refused:?} {detail:?}");
        assert!(!text.contains("geheim"), "{text}");
    }
}

pub(super) fn builtin() -> wire::CreateConnectionRequest {
    office("office-ca", "http://pki.example.com/ca")
}

fn authority(name: &str, settings: wire::connection::Settings) -> wire::CreateConnectionRequest {
    wire::CreateConnectionRequest {
        connection: Some(wire::Connection {
            name: name.into(),
            settings: Some(settings),
            ..wire::Connection::default()
        }),
        ..wire::CreateConnectionRequest::default()
    }
}

fn cfssl(url: &str) -> wire::CreateConnectionRequest {
    authority(
        "away",
        wire::connection::Settings::Cfssl(wire::Cfssl {
            url: url.into(),
            profiles: vec!["logon".into()],
            ..wire::Cfssl::default()
        }),
    )
}

#[tokio::test]
async fn an_authority_is_connected_with_what_it_needs_and_tells_its_profiles() {
    let bench = Bench::new().await;
    let mut connections = ConnectionsClient::new(bench.with(&[Scope::Admin, Scope::Read]).await);
    let made = connections.create(builtin()).await.unwrap().into_inner();
    let Some(wire::connection::Settings::BuiltinCa(shown)) = made.settings else {
        panic!("{made:?}");
    };
    assert!(shown.authority.contains("BEGIN CERTIFICATE"));
    let check = wire::CheckConnectionRequest {
        connection: "office-ca".into(),
    };
    let checked = connections.check(check).await.unwrap().into_inner();
    assert!(checked.ok, "{:?}", checked.findings);
    let ids: Vec<_> = checked.profiles.iter().map(|p| p.id.as_str()).collect();
    assert!(ids.contains(&"smart-card-logon"), "{ids:?}");

    let gateway = wire::connection::Settings::EntrustCaGateway(wire::EntrustCaGateway {
        url: "https://127.0.0.1:9/cagw".into(),
        ca_id: "CA1".into(),
        ..wire::EntrustCaGateway::default()
    });
    let mut no_address = builtin();
    if let Some(connection) = &mut no_address.connection
        && let Some(wire::connection::Settings::BuiltinCa(ca)) = &mut connection.settings
    {
        connection.name = "no-address".into();
        ca.publish_url = "pki".into();
    }
    let mut both = authority("both", gateway.clone());
    both.api_key = "key".into();
    both.pkcs12 = vec![1];
    for wrong in [
        authority("no-identity", gateway),
        no_address,
        cfssl("not an address"),
        both,
    ] {
        let refused = connections.create(wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert!(!detail(&refused).field.is_empty(), "{refused:?}");
    }
    let mut twin = builtin();
    if let Some(connection) = &mut twin.connection
        && let Some(wire::connection::Settings::BuiltinCa(ca)) = &mut connection.settings
    {
        ca.publish_url = "http://pki.example.com/twin".into();
    }
    let refused = connections.create(twin).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
}

fn cards_template(connection: &str, profile: &str, fields: &[&str]) -> wire::Template {
    wire::Template {
        name: "cards".into(),
        token_types: vec!["any".into()],
        card: Some(wire::CardSection {
            certificates: vec![wire::CertificateSlot {
                container: "9a".into(),
                algorithm: "p256".into(),
                connection: connection.into(),
                profile: profile.into(),
                fields: fields
                    .iter()
                    .map(|name| wire::RequestField {
                        name: (*name).into(),
                        value: "{user.user_name}".into(),
                    })
                    .collect(),
                ..wire::CertificateSlot::default()
            }],
            ..wire::CardSection::default()
        }),
        ..wire::Template::default()
    }
}

#[tokio::test]
async fn a_template_gives_what_the_profiles_of_its_authority_want_or_is_not_made() {
    let bench = Bench::new().await;
    let Admin {
        mut types,
        mut connections,
        mut templates,
    } = bench.admin().await;
    types.create(any_type()).await.unwrap();
    connections.create(builtin()).await.unwrap();
    // Port 9 answers nobody.
    connections
        .create(cfssl("https://127.0.0.1:9"))
        .await
        .unwrap();
    connections.create(connection()).await.unwrap();
    let mut make = async |template: wire::Template| {
        let template = Some(template);
        templates
            .create(wire::CreateTemplateRequest { template })
            .await
    };
    let logon = "smart-card-logon";
    for (wrong, code, field) in [
        (
            cards_template("office-ca", logon, &["cn"]),
            Code::InvalidArgument,
            "template.card.certificates.fields",
        ),
        (
            cards_template("office-ca", "logon", &["cn", "san:upn"]),
            Code::InvalidArgument,
            "template.card.certificates.profile",
        ),
        (
            cards_template("sta", logon, &["cn", "san:upn"]),
            Code::InvalidArgument,
            "template.card.certificates.connection",
        ),
        (
            cards_template("away", "logon", &["cn"]),
            Code::Unavailable,
            "template.card.certificates.connection",
        ),
    ] {
        let refused = make(wrong).await.unwrap_err();
        let detail = detail(&refused);
        assert_eq!((refused.code(), detail.field.as_str()), (code, field));
        assert!(!refused.message().is_empty());
    }
    let refused = make(cards_template("nowhere", logon, &["cn"])).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    let refused = make(cards_template("office-ca", logon, &["CN"])).await;
    let refused = refused.unwrap_err();
    assert!(refused.message().contains("san:upn"), "{refused:?}");
    let made = make(cards_template("office-ca", logon, &["CN", "san:upn"])).await;
    assert_eq!(made.unwrap().get_ref().name, "cards");
    let listed = templates.list(wire::ListTemplatesRequest {}).await.unwrap();
    assert_eq!(listed.get_ref().templates.len(), 1);
}
