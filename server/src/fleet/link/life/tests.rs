use keysteward_proto::agent::v1::ListResponse;
use token_event::Event;

use super::*;

fn token(presence_id: &str) -> Token {
    Token {
        presence_id: presence_id.to_owned(),
        ..Token::default()
    }
}

fn snapshot(ids: &[&str]) -> Event {
    Event::Snapshot(ListResponse {
        tokens: ids.iter().map(|id| token(id)).collect(),
    })
}

fn names(tokens: &[Token]) -> Vec<&str> {
    tokens
        .iter()
        .map(|token| token.presence_id.as_str())
        .collect()
}

#[test]
fn a_second_snapshot_tells_what_went_and_what_is_there() {
    let mut tokens = Vec::new();
    apply(&mut tokens, snapshot(&["a", "b"]));
    let changes = apply(&mut tokens, snapshot(&["b", "c"]));
    assert_eq!(names(&tokens), ["b", "c"]);
    assert_eq!(
        changes,
        [
            Change::Gone(token("a")),
            Change::Seen(token("b")),
            Change::Seen(token("c"))
        ]
    );
}

#[test]
fn a_changed_token_takes_the_place_of_what_was_known_of_it() {
    let mut tokens = vec![token("a"), token("b")];
    let fault = Token {
        fault: "it does not answer".into(),
        ..token("a")
    };
    assert_eq!(
        apply(&mut tokens, Event::Changed(fault.clone())),
        [Change::Seen(fault.clone())]
    );
    assert_eq!(tokens, [fault, token("b")]);
}

#[test]
fn a_token_that_was_never_there_does_not_go() {
    let mut tokens = vec![token("a")];
    assert_eq!(apply(&mut tokens, Event::Removed("b".into())), []);
    assert_eq!(
        apply(&mut tokens, Event::Removed("a".into())),
        [Change::Gone(token("a"))]
    );
    assert!(tokens.is_empty());
}

#[test]
fn a_host_that_claims_thousands_of_tokens_is_not_believed() {
    let mut tokens = Vec::new();
    for number in 0..MAX_TOKENS + 10 {
        apply(&mut tokens, Event::Added(token(&number.to_string())));
    }
    assert_eq!(tokens.len(), MAX_TOKENS);
}
