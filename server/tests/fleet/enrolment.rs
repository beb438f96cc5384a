use std::time::Duration;

use keysteward_agent::{
    agent::Agent,
    uplink::{
        DialError,
        enrol::{EnrolError, Enrolled, ask},
        identity::Key,
    },
};
use keysteward_proto::{agent::v1::HostFacts, join_token::JoinToken};
use keysteward_server::{
    fleet::{EnrolmentError, FleetSettings, NewJoinToken},
    store::host::State,
};

use crate::{
    proxy::{Line, Proxy},
    server::{Machine, OPERATOR, Server, address, soon},
};

fn reason(result: Result<Enrolled, EnrolError>) -> String {
    match result {
        Err(EnrolError::Refused { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

async fn start() -> Server {
    Server::start(FleetSettings::default()).await
}

#[tokio::test]
async fn a_host_enrols_by_a_join_token_and_keeps_what_it_was_given() {
    let server = start().await;
    let group = NewJoinToken {
        group: "accounting".into(),
        ..NewJoinToken::default()
    };
    let (_, token) = server.join_token(group).await;
    let machine = Machine::new();
    let enrolled = machine.enrol(&server, &token).await.unwrap();
    assert!(matches!(enrolled, Enrolled::Now(_)));

    let host = server.host(machine.host()).await;
    assert_eq!(host.state, State::Enrolled);
    assert_eq!(host.host_group, "accounting");
    assert!(host.serial.is_some() && host.next_serial.is_none());
    let identity = machine.identity();
    assert_eq!(
        identity.server_id,
        server.fleet.authority().server().to_string()
    );
    assert_eq!(
        identity.roots.iter().collect::<Vec<_>>(),
        server.fleet.authority().roots()
    );
    let life = identity.not_after.duration_since(identity.not_before);
    assert!((30..31).contains(&(life.as_hours() / 24)), "{life}");
    let audited = server.audited().await;
    assert_eq!(
        audited
            .iter()
            .map(|(verb, _)| verb.as_str())
            .collect::<Vec<_>>(),
        ["join-token.create", "host.enrol"]
    );
}

#[tokio::test]
async fn a_host_that_is_enrolled_is_not_enrolled_again_by_mistake() {
    let server = start().await;
    let machine = server.machine().await;
    let (_, token) = server.join_token(NewJoinToken::default()).await;
    let error = machine.enrol(&server, &token).await.unwrap_err();
    assert!(
        matches!(error, EnrolError::AlreadyEnrolled { .. }),
        "{error}"
    );
    assert_eq!(server.hosts().await.len(), 1);
}

#[tokio::test]
async fn a_join_token_is_good_for_one_host_alone() {
    let server = start().await;
    let (_, token) = server.join_token(NewJoinToken::default()).await;
    Machine::new().enrol(&server, &token).await.unwrap();
    let second = Machine::new();
    assert_eq!(
        reason(second.enrol(&server, &token).await),
        "JOIN_TOKEN_USED"
    );
    assert!(second.directory.identity().unwrap().is_none());
    assert_eq!(server.hosts().await.len(), 1);
    let last = server.audited().await.pop().unwrap();
    assert_eq!(last, ("host.enrol".to_owned(), "denied".to_owned()));
}

#[tokio::test]
async fn an_expired_join_token_is_refused() {
    let server = start().await;
    let short = NewJoinToken {
        valid_for: Duration::from_millis(1),
        ..NewJoinToken::default()
    };
    let (_, token) = server.join_token(short).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let refused = Machine::new().enrol(&server, &token).await;
    assert_eq!(reason(refused), "JOIN_TOKEN_EXPIRED");
    assert!(server.hosts().await.is_empty());
}

#[tokio::test]
async fn a_revoked_join_token_is_refused() {
    let server = start().await;
    let (id, token) = server.join_token(NewJoinToken::default()).await;
    server.fleet.revoke_join_token(OPERATOR, id).await.unwrap();
    let refused = Machine::new().enrol(&server, &token).await;
    assert_eq!(reason(refused), "JOIN_TOKEN_REVOKED");
    assert!(server.hosts().await.is_empty());
}

#[tokio::test]
async fn a_made_up_join_token_is_refused_and_fills_no_record() {
    let server = start().await;
    let made_up = JoinToken::new([7; 32], server.fleet.authority().root_sha256());
    let refused = Machine::new().enrol(&server, &made_up).await;
    assert_eq!(reason(refused), "JOIN_TOKEN_UNKNOWN");
    assert!(server.audited().await.is_empty());
}

#[tokio::test]
async fn a_server_with_another_root_never_sees_the_join_token() {
    let ours = start().await;
    let theirs = start().await;
    let (_, token) = ours.join_token(NewJoinToken::default()).await;
    let error = Machine::new().enrol(&theirs, &token).await.unwrap_err();
    assert!(
        matches!(error, EnrolError::Dial(DialError::WrongRoot { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("this join token"), "{error}");
    assert!(!error.is_transient());
    // It is unused.
    Machine::new().enrol(&ours, &token).await.unwrap();
}

#[tokio::test]
async fn a_port_that_speaks_something_else_is_not_taken_for_a_server() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let somewhere = address(listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt as _;
            let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n").await;
        }
    });
    let token = JoinToken::new([7; 32], [9; 32]);
    let error = Machine::new()
        .enrol_at(&somewhere, &token)
        .await
        .unwrap_err();
    assert!(
        matches!(error, EnrolError::Dial(DialError::Handshake { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn several_uses_wait_for_an_operator_each() {
    let server = start().await;
    let many = NewJoinToken {
        uses: 2,
        needs_approval: true,
        ..NewJoinToken::default()
    };
    let (_, token) = server.join_token(many).await;
    let machine = Machine::new();
    let Enrolled::ApprovalPending { host_id } = machine.enrol(&server, &token).await.unwrap()
    else {
        panic!("it was let in unapproved");
    };
    let id = host_id.parse().unwrap();
    assert!(machine.directory.identity().unwrap().is_none());
    // Asking again does not make it another host, nor take another use.
    machine.enrol(&server, &token).await.unwrap();
    assert_eq!(server.hosts().await.len(), 1);
    assert_eq!(server.host(id).await.state, State::Pending);
    let other = Machine::new();
    other.enrol(&server, &token).await.unwrap();
    assert_eq!(
        reason(Machine::new().enrol(&server, &token).await),
        "JOIN_TOKEN_USED"
    );

    server.fleet.approve_host(OPERATOR, id).await.unwrap();
    let again = server.fleet.approve_host(OPERATOR, id).await.unwrap_err();
    assert!(
        matches!(
            again,
            EnrolmentError::NotPending {
                found: "enrolled",
                ..
            }
        ),
        "{again}"
    );
    let enrolled = machine.enrol(&server, &token).await.unwrap();
    assert!(matches!(enrolled, Enrolled::Now(_)));
    assert_eq!(machine.host(), id);
    // The other one still waits.
    let enrolled = other.enrol(&server, &token).await.unwrap();
    assert!(matches!(enrolled, Enrolled::ApprovalPending { .. }));
}

#[tokio::test]
async fn a_pending_host_that_is_revoked_gets_no_certificate() {
    let server = start().await;
    let careful = NewJoinToken {
        needs_approval: true,
        ..NewJoinToken::default()
    };
    let (_, token) = server.join_token(careful).await;
    let machine = Machine::new();
    machine.enrol(&server, &token).await.unwrap();
    let id = server.hosts().await[0].id;
    server
        .fleet
        .revoke_host(OPERATOR, id, "nobody knows this laptop")
        .await
        .unwrap();
    assert_eq!(reason(machine.enrol(&server, &token).await), "HOST_REVOKED");
    let error = server.fleet.approve_host(OPERATOR, id).await.unwrap_err();
    assert!(
        matches!(
            error,
            EnrolmentError::NotPending {
                found: "revoked",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn an_enrolment_whose_answer_was_lost_is_asked_for_again() {
    let server = start().await;
    let (_, token) = server.join_token(NewJoinToken::default()).await;
    let line = Proxy::to(server.address, Line::SlowAnswers).await;
    let machine = Machine::new();
    let at = address(line.address);
    let (lost, ()) = tokio::join!(machine.enrol_at(&at, &token), async {
        soon(async || (!server.hosts().await.is_empty()).then_some(())).await;
        line.becomes(Line::Cut);
    });
    let error = lost.unwrap_err();
    assert!(matches!(error, EnrolError::AnswerLost(_)), "{error}");
    assert!(error.is_transient());
    assert!(machine.directory.identity().unwrap().is_none());

    machine.enrol(&server, &token).await.unwrap();
    let [host] = &server.hosts().await[..] else {
        panic!("one machine became two hosts");
    };
    assert_eq!(machine.host(), host.id);
    // The certificate that got lost is not the one that will be seen.
    assert!(host.serial.is_some() && host.next_serial.is_some());
}

#[tokio::test]
async fn having_a_key_is_no_right_to_its_enrolment_without_the_join_token_it_came_by() {
    let server = start().await;
    let key = Key::generate().unwrap();
    let at = server.address();
    let (_, first) = server.join_token(NewJoinToken::default()).await;
    ask(&at, &first, key.clone(), Agent::host_facts())
        .await
        .unwrap();
    let (_, other) = server.join_token(NewJoinToken::default()).await;
    let refused = ask(&at, &other, key, Agent::host_facts()).await;
    assert_eq!(reason(refused), "JOIN_TOKEN_UNKNOWN");
    // And the other one is still good.
    Machine::new().enrol(&server, &other).await.unwrap();
}

#[tokio::test]
async fn what_a_host_says_of_itself_is_cut_to_a_measure() {
    let server = start().await;
    let named = |length: usize| HostFacts {
        hostname: "\u{e9}".repeat(length),
        ..HostFacts::default()
    };
    let (_, token) = server.join_token(NewJoinToken::default()).await;
    let too_much = ask(
        &server.address(),
        &token,
        Key::generate().unwrap(),
        named(40_000),
    )
    .await;
    assert!(
        matches!(too_much, Err(EnrolError::Refused { .. })),
        "{too_much:?}"
    );
    assert!(server.hosts().await.is_empty());

    let key = Key::generate().unwrap();
    ask(&server.address(), &token, key, named(1_001))
        .await
        .unwrap();
    assert_eq!(server.hosts().await[0].hostname, "\u{e9}".repeat(128));
}
