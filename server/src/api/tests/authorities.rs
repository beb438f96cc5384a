//! Certification authorities inside the server, as an administrator makes them.

use super::*;

fn office(name: &str, publish_url: &str) -> wire::CreateConnectionRequest {
    wire::CreateConnectionRequest {
        connection: Some(wire::Connection {
            name: name.into(),
            settings: Some(wire::connection::Settings::BuiltinCa(wire::BuiltinCa {
                name: "Office CA".into(),
                publish_url: publish_url.into(),
                ..wire::BuiltinCa::default()
            })),
            ..wire::Connection::default()
        }),
        ..wire::CreateConnectionRequest::default()
    }
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
