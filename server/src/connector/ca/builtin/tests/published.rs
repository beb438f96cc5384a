//! What readers of certificates get over HTTP.

use super::*;
use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header::CONTENT_TYPE},
};
use x509_cert::der::Decode as _;
use x509_ocsp::{OcspResponse, OcspResponseStatus};

async fn ask(site: &Site, request: Request<Body>) -> (StatusCode, String, Vec<u8>) {
    let response = site.ca.publisher().answer(request).await;
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, kind, body.to_vec())
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn the_list_and_the_certificate_are_served() {
    let site = Site::new();
    let (status, kind, body) = ask(&site, get("/ca/crl")).await;
    assert_eq!(
        (status, kind.as_str()),
        (StatusCode::OK, "application/pkix-crl")
    );
    assert_eq!(body, site.ca.crl().await.unwrap());
    let (_, kind, body) = ask(&site, get("/ca/ca.cer")).await;
    assert_eq!(kind, "application/pkix-cert");
    assert_eq!(body, site.ca.own_certificate());
}

#[tokio::test]
async fn it_is_served_where_the_certificates_say_and_nowhere_else() {
    let site = Site::new();
    let publisher = site.ca.publisher();
    assert_eq!(publisher.url().as_str(), PUBLISH_URL);
    for (path, expected) in [
        ("/ca/crl", StatusCode::OK),
        ("/ca/ca.cer", StatusCode::OK),
        ("/ca/ocsp/MAMCAQA=", StatusCode::OK),
        ("/ca/ocsp", StatusCode::METHOD_NOT_ALLOWED),
        ("/ca/crl/", StatusCode::NOT_FOUND),
        ("/ca/", StatusCode::NOT_FOUND),
        ("/cacrl", StatusCode::NOT_FOUND),
        ("/crl", StatusCode::NOT_FOUND),
    ] {
        let response = publisher.answer(get(path)).await;
        assert_eq!(response.status(), expected, "{path}");
        let served = expected != StatusCode::NOT_FOUND;
        assert_eq!(publisher.serves(path), served, "{path}");
    }
}

#[tokio::test]
async fn an_address_that_looks_like_a_pattern_is_one_path() {
    let now: Timestamp = NOW.parse().unwrap();
    let url = "http://pki.example.com/:a/*b/{c}";
    let (settings, secret) = Settings::create("Test CA", url, 365, now).unwrap();
    let publisher = Site::of(&settings, &secret).ca.publisher();
    let path = publisher.url().path().to_owned() + "/crl";
    assert_eq!(publisher.answer(get(&path)).await.status(), StatusCode::OK);
    assert!(!publisher.serves("/x/y/z/crl"));
}

#[tokio::test]
async fn a_list_is_made_anew_at_each_change_and_each_hour_and_not_for_each_reader() {
    let site = Site::new();
    let issued = site.issue("1").await;
    let crl = async || ask(&site, get("/ca/crl")).await.2;
    let first = crl().await;
    assert_eq!(crl().await, first);
    site.ca.hold(issued.serial()).await.unwrap();
    let second = crl().await;
    assert_ne!(second, first);
    site.pass(SignedDuration::from_mins(61));
    let third = crl().await;
    assert_ne!(third, second);
    assert_eq!(crl().await, third);
}

/// How often a serial number stands in the newest list.
async fn listed(site: &Site, serial: &Serial) -> usize {
    let crl = site.ca.crl().await.unwrap();
    let (_, crl) = x509_parser::parse_x509_crl(&crl).unwrap();
    crl.iter_revoked_certificates()
        .filter(|entry| Serial::from_bytes(entry.raw_serial()) == *serial)
        .count()
}

#[tokio::test]
async fn what_was_revoked_leaves_the_list_a_day_after_it_has_ended() {
    let site = Site::new();
    let issued = site.issue("1").await;
    let serial = issued.serial();
    assert_eq!(listed(&site, serial).await, 0);
    site.ca.revoke(serial, Reason::Superseded).await.unwrap();
    assert_eq!(listed(&site, serial).await, 1);
    let life = issued.not_after().duration_since(NOW.parse().unwrap());
    site.pass(life + SignedDuration::from_hours(23));
    assert_eq!(listed(&site, serial).await, 1);
    site.pass(SignedDuration::from_hours(2));
    assert_eq!(listed(&site, serial).await, 0);
}

#[tokio::test]
async fn nonsense_is_answered_as_malformed() {
    let site = Site::new();
    let post = |body: Vec<u8>| Request::post("/ca/ocsp").body(Body::from(body)).unwrap();
    for request in [
        post(b"hello".to_vec()),
        post(Vec::new()),
        post(vec![0x30; 5000]),
        get("/ca/ocsp/hello"),
        get("/ca/ocsp/MAMCAQA="),
    ] {
        let (status, kind, body) = ask(&site, request).await;
        assert_eq!(
            (status, kind.as_str()),
            (StatusCode::OK, "application/ocsp-response")
        );
        let answer = OcspResponse::from_der(&body).unwrap();
        assert_eq!(answer.response_status, OcspResponseStatus::MalformedRequest);
    }
    let (status, ..) = ask(&site, post(vec![0; 10_000])).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn without_the_list_of_certificates_nothing_is_called_good() {
    let site = Site::new();
    site.list.fail();
    let (status, ..) = ask(&site, get("/ca/crl")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let question = super::super::ocsp::tests::question(&[&[1]]);
    let request = Request::post("/ca/ocsp")
        .body(Body::from(question))
        .unwrap();
    let (_, _, body) = ask(&site, request).await;
    let answer = OcspResponse::from_der(&body).unwrap();
    assert_eq!(answer.response_status, OcspResponseStatus::TryLater);
}
