use super::*;
use crate::connector::idp::Outcome;

fn why(status: u16, reset: Option<&'static str>) -> Why {
    let mut headers = HeaderMap::new();
    if let Some(reset) = reset {
        headers.insert("RateLimit-Reset", HeaderValue::from_static(reset));
    }
    refusal(status, &headers, Said::default())
}

#[test]
fn each_status_is_told_apart() {
    let said = Said::default;
    for (status, expected, outcome) in [
        (
            400,
            Why::BadRequest {
                status: 400,
                said: said(),
            },
            Outcome::Unchanged,
        ),
        (
            405,
            Why::BadRequest {
                status: 405,
                said: said(),
            },
            Outcome::Unchanged,
        ),
        (
            406,
            Why::BadRequest {
                status: 406,
                said: said(),
            },
            Outcome::Unchanged,
        ),
        (
            401,
            Why::NotPermitted {
                status: 401,
                said: said(),
            },
            Outcome::Unchanged,
        ),
        (
            402,
            Why::NotPermitted {
                status: 402,
                said: said(),
            },
            Outcome::Unchanged,
        ),
        (
            403,
            Why::NotPermitted {
                status: 403,
                said: said(),
            },
            Outcome::Unchanged,
        ),
        (
            407,
            Why::NotPermitted {
                status: 407,
                said: said(),
            },
            Outcome::Unchanged,
        ),
        (
            404,
            Why::NotFound {
                status: 404,
                said: said(),
            },
            Outcome::Unchanged,
        ),
        (
            410,
            Why::NotFound {
                status: 410,
                said: said(),
            },
            Outcome::Unchanged,
        ),
        (
            408,
            Why::RequestTimeout { said: said() },
            Outcome::MaybeChanged,
        ),
        (409, Why::Exists { said: said() }, Outcome::Unchanged),
        (
            412,
            Why::PreconditionFailed { said: said() },
            Outcome::Unchanged,
        ),
        (
            429,
            Why::TooManyRequests { retry_after: None },
            Outcome::Unchanged,
        ),
        (
            500,
            Why::ServerFault {
                status: 500,
                said: said(),
            },
            Outcome::MaybeChanged,
        ),
        (
            503,
            Why::ServerFault {
                status: 503,
                said: said(),
            },
            Outcome::MaybeChanged,
        ),
        (
            302,
            Why::UnexpectedStatus {
                status: 302,
                said: said(),
            },
            Outcome::MaybeChanged,
        ),
        (
            418,
            Why::UnexpectedStatus {
                status: 418,
                said: said(),
            },
            Outcome::MaybeChanged,
        ),
    ] {
        let found = why(status, None);
        assert_eq!(found, expected, "HTTP {status}");
        let error = IdpError {
            call: Call::AddAuthenticator,
            why: found,
        };
        assert_eq!(error.outcome(), outcome, "HTTP {status}");
    }
}

#[test]
fn the_wait_asked_for_is_read_and_bounded() {
    for (reset, expected) in [
        (Some("7"), Some(7)),
        (Some(" 0 "), Some(0)),
        (Some("99999999"), Some(3600)),
        (Some("soon"), None),
        (Some("-1"), None),
        (None, None),
    ] {
        let retry_after = expected.map(Duration::from_secs);
        assert_eq!(
            why(429, reset),
            Why::TooManyRequests { retry_after },
            "{reset:?}"
        );
    }
}

#[test]
fn what_goes_into_a_path_cannot_leave_it() {
    let base = Url::parse("https://h/api/v1/tenants/Q41RKXHPWU/").unwrap();
    let key = ApiKey::parse("k").unwrap();
    let api = Api::new(base, key, "", Duration::from_secs(1)).unwrap();
    assert_eq!(
        api.url(&["users", "a/b?c#d%e ü"]).as_str(),
        "https://h/api/v1/tenants/Q41RKXHPWU/users/a%2Fb%3Fc%23d%25e%20%C3%BC"
    );
}
