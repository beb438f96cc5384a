use super::*;
use x509_ocsp::{Request, TbsRequest};

/// A question about certificates of somebody.
pub(in super::super) fn question(serials: &[&[u8]]) -> Vec<u8> {
    let requests = serials.iter().map(|serial| Request {
        req_cert: CertId {
            hash_algorithm: AlgorithmIdentifierOwned {
                oid: SHA1,
                parameters: None,
            },
            issuer_name_hash: OctetString::new([0; 20]).unwrap(),
            issuer_key_hash: OctetString::new([0; 20]).unwrap(),
            serial_number: x509_cert::serial_number::SerialNumber::new(serial).unwrap(),
        },
        single_request_extensions: None,
    });
    let request = OcspRequest {
        tbs_request: TbsRequest {
            request_list: requests.collect(),
            ..TbsRequest::default()
        },
        optional_signature: None,
    };
    request.to_der().unwrap()
}

#[test]
fn a_question_about_too_many_or_none_is_malformed() {
    let serials = [[1_u8].as_slice(); MOST + 1];
    assert_eq!(
        Question::parse(&question(&serials[..MOST]))
            .unwrap()
            .serials()
            .count(),
        MOST
    );
    for wrong in [question(&serials), question(&[]), vec![0; LONGEST + 1]] {
        let answer = Question::parse(&wrong).unwrap_err();
        assert_eq!(answer, encoded(&OcspResponse::malformed_request()));
    }
}

/// A question with a nonce extension of this value.
fn with_nonce(value: &[u8]) -> Vec<u8> {
    let mut asked = OcspRequest::from_der(&question(&[&[1]])).unwrap();
    asked.tbs_request.request_extensions = Some(vec![Extension {
        extn_id: NONCE,
        critical: false,
        extn_value: OctetString::new(value).unwrap(),
    }]);
    asked.to_der().unwrap()
}

#[test]
fn a_nonce_comes_back_and_one_of_a_length_that_is_not_allowed_is_malformed() {
    for length in [1, 32, 128] {
        let value = OctetString::new(vec![7; length]).unwrap().to_der().unwrap();
        let asked = Question::parse(&with_nonce(&value)).unwrap();
        let nonce = asked.nonce.unwrap();
        assert_eq!(nonce.extn_value.as_bytes(), value, "{length}");
    }
    let octets = |length| OctetString::new(vec![7; length]).unwrap().to_der().unwrap();
    for wrong in [octets(0), octets(129), Vec::new(), vec![7; 16]] {
        let answer = Question::parse(&with_nonce(&wrong)).unwrap_err();
        assert_eq!(
            answer,
            encoded(&OcspResponse::malformed_request()),
            "{wrong:?}"
        );
    }
    assert!(Question::parse(&question(&[&[1]])).unwrap().nonce.is_none());
}
