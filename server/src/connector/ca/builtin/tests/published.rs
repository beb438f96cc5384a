//! What readers of certificates get over HTTP.

use super::*;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header::CONTENT_TYPE},
};
use tower::ServiceExt as _;
use x509_cert::der::Decode as _;
use x509_ocsp::{OcspResponse, OcspResponseStatus};

async fn ask(site: &Site, request: Request<Body>) -> (StatusCode, String, Vec<u8>) {
    let response = site.ca.publisher().router().oneshot(request).await.unwrap();
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
    let (status, kind, body) = ask(&site, get("/crl")).await;
    assert_eq!(
        (status, kind.as_str()),
        (StatusCode::OK, "application/pkix-crl")
    );
    assert_eq!(body, site.ca.crl().await.unwrap());
    let (_, kind, body) = ask(&site, get("/ca.cer")).await;
    assert_eq!(kind, "application/pkix-cert");
    assert_eq!(body, site.ca.own_certificate());
}

#[tokio::test]
async fn it_is_served_where_the_certificates_say() {
    let site = Site::new();
    let router = Router::from(&site.ca.publisher());
    for (path, expected) in [
        ("/ca/crl", StatusCode::OK),
        ("/ca/ca.cer", StatusCode::OK),
        ("/crl", StatusCode::NOT_FOUND),
    ] {
        let response = router.clone().oneshot(get(path)).await.unwrap();
        assert_eq!(response.status(), expected, "{path}");
    }
}

#[tokio::test]
async fn a_list_is_made_anew_at_each_change_and_each_hour_and_not_for_each_reader() {
    let site = Site::new();
    let issued = site.issue("1").await;
    let crl = async || ask(&site, get("/crl")).await.2;
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

#[tokio::test]
async fn nonsense_is_answered_as_malformed() {
    let site = Site::new();
    let post = |body: Vec<u8>| Request::post("/ocsp").body(Body::from(body)).unwrap();
    for request in [
        post(b"hello".to_vec()),
        post(Vec::new()),
        post(vec![0x30; 5000]),
        get("/ocsp/hello"),
        get("/ocsp/MAMCAQA="),
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
    let (status, ..) = ask(&site, get("/crl")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let question = super::super::ocsp::tests::question(&[&[1]]);
    let request = Request::post("/ocsp").body(Body::from(question)).unwrap();
    let (_, _, body) = ask(&site, request).await;
    let answer = OcspResponse::from_der(&body).unwrap();
    assert_eq!(answer.response_status, OcspResponseStatus::TryLater);
}
