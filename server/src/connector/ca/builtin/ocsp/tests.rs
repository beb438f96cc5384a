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

#[test]
fn a_nonce_comes_back_if_its_length_is_allowed() {
    for (length, comes_back) in [(0, false), (1, true), (32, true), (128, true), (129, false)] {
        let mut asked = Question::parse(&question(&[&[1]])).unwrap();
        let value = OctetString::new(vec![7; length]).unwrap().to_der().unwrap();
        asked.request.tbs_request.request_extensions = Some(vec![Extension {
            extn_id: NONCE,
            critical: false,
            extn_value: OctetString::new(value).unwrap(),
        }]);
        assert_eq!(nonce(&asked).is_some(), comes_back, "{length}");
    }
}
