use super::world::{ACTOR, Wishes, World};
use crate::{
    connector::idp::{Call, Why},
    lifecycle::{Aaguid, Custody, Template, TokenState, TrustedBy},
    operation::{Ask, Error, Request, State, position},
    store::{OperationId, credential::OnToken},
};

#[tokio::test]
async fn a_key_is_issued_published_and_its_pin_sealed() {
    let world = World::new().await;
    let asked = world.issue().await;
    let ended = world.settled(asked.id).await;
    assert_eq!((ended.state, ended.remark.as_str()), (State::Succeeded, ""));
    let token = world.token().await;
    assert_eq!(token.state, TokenState::Issued);
    assert_eq!(token.user_id, Some(world.user));
    let made = world.credentials().await.remove(0);
    assert_eq!(made.idp_state.as_deref(), Some("pending"));
    assert_eq!(made.attestation, "none");
    assert_eq!(made.idp_user_id.as_deref(), Some("idp-alice"));
    assert_eq!(
        world.host.state().log,
        ["inspect", "set-pin", "make-credential"]
    );
    let position = position(&ended);
    assert_eq!((position.done, position.total), (6, 6));
    let verbs: Vec<_> = world
        .audit_is_whole()
        .await
        .into_iter()
        .map(|r| r.verb)
        .collect();
    assert_eq!(
        verbs,
        [
            "life.register",
            "operation.start",
            "token.inspect",
            "idp.find-user",
            "token.set-pin",
            "token.make-credential",
            "idp.publish",
            "idp.read-back",
            "life.issue",
            "operation.issue"
        ]
    );
    world.agree().await;
}

#[tokio::test]
async fn outcomes_are_acknowledged_to_the_agent() {
    let world = World::new().await;
    world.settled(world.issue().await.id).await;
    world
        .until("both are acknowledged", async || {
            (world.host.state().acknowledged == 2).then_some(())
        })
        .await;
}

#[tokio::test]
async fn the_same_id_asked_again_is_the_same_operation() {
    let world = World::new().await;
    let token = world.token_in(TokenState::Registered).await.id;
    let id = OperationId::new();
    let request = |template| Request {
        id: Some(id),
        ask: Ask::Issue {
            token,
            user: world.user,
            template,
        },
        batch: None,
        valid_for: None,
    };
    let first = world
        .engine
        .start(request(world.template), ACTOR)
        .await
        .unwrap();
    let again = world
        .engine
        .start(request(world.template), ACTOR)
        .await
        .unwrap();
    assert_eq!(first.id, again.id);
    let other = world
        .engine
        .start(request(crate::store::TemplateId::new()), ACTOR)
        .await;
    assert!(matches!(other, Err(Error::IdReused(_))), "{other:?}");
    world.settled(id).await;
    assert_eq!(world.host.state().key.made, 1);
}

#[tokio::test]
async fn a_key_in_use_is_refused_and_the_operation_named() {
    let world = World::new().await;
    let token = world.token_in(TokenState::Registered).await.id;
    world.unplug().await;
    let first = world.issue().await;
    let (user, template) = (world.user, world.template);
    let second = world
        .ask(Ask::Issue {
            token,
            user,
            template,
        })
        .await;
    match second {
        Err(Error::Busy { operation, .. }) => assert_eq!(operation, first.id),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_can_be_checked_is_checked_before_and_leaves_no_trace() {
    let world = World::new().await;
    let token = world.token_in(TokenState::Registered).await.id;
    let (user, template) = (world.user, world.template);
    for (ask, part) in [
        (
            Ask::Issue {
                token: crate::store::TokenId::new(),
                user,
                template,
            },
            "no token",
        ),
        (
            Ask::Issue {
                token,
                user: crate::store::UserId::new(),
                template,
            },
            "no user",
        ),
        (
            Ask::Issue {
                token,
                user,
                template: crate::store::TemplateId::new(),
            },
            "no template",
        ),
        (Ask::Suspend { token }, "registered cannot suspend"),
        (
            Ask::HandOverPin {
                token,
                new_pin: None,
            },
            "registered cannot hand-over",
        ),
        (
            Ask::Revoke {
                token,
                reason: "lost".into(),
                pin: None,
            },
            "registered cannot revoke",
        ),
    ] {
        let refused = world.ask(ask).await.unwrap_err().to_string();
        assert!(refused.contains(part), "{refused}");
    }
    let records = world.audit_is_whole().await;
    assert_eq!(records.len(), 1, "only the registration");
}

#[tokio::test]
async fn a_key_of_another_type_than_the_template_names_is_refused() {
    let world = World::with(Wishes {
        change: |template| template.token_types = vec![crate::store::TokenTypeId::new()],
        ..Wishes::default()
    })
    .await;
    let token = world.token_in(TokenState::Registered).await.id;
    let refused = world
        .ask(Ask::Issue {
            token,
            user: world.user,
            template: world.template,
        })
        .await;
    assert!(
        matches!(refused, Err(Error::WrongType { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_model_that_the_template_does_not_allow_is_not_issued() {
    let spoils: [fn(&mut Template); 2] = [
        |t| t.blocked_aaguids = vec![Aaguid(super::key::AAGUID)],
        |t| t.allowed_aaguids = vec![Aaguid([1; 16])],
    ];
    for change in spoils {
        let world = World::with(Wishes {
            change,
            ..Wishes::default()
        })
        .await;
        let refused = world
            .ask(Ask::Issue {
                token: world.token_in(TokenState::Registered).await.id,
                user: world.user,
                template: world.template,
            })
            .await;
        assert!(
            matches!(refused, Err(Error::ModelNotAllowed { .. })),
            "{refused:?}"
        );
        assert_eq!(world.host.state().key.credentials, []);
    }
}

#[tokio::test]
async fn nothing_is_issued_whose_attestation_could_not_be_checked() {
    let world = World::with(Wishes {
        token_type: |t| t.trusted_by = vec![TrustedBy::Metadata],
        ..Wishes::default()
    })
    .await;
    let refused = world
        .ask(Ask::Issue {
            token: world.token_in(TokenState::Registered).await.id,
            user: world.user,
            template: world.template,
        })
        .await;
    assert!(matches!(refused, Err(Error::NoTrust(_))), "{refused:?}");
    assert_eq!(world.host.state().key.credentials, []);
}

#[tokio::test]
async fn an_attestation_that_is_refused_is_undone_on_the_key() {
    let world = World::with(Wishes {
        token_type: |t| t.unrooted_attestation = vec![crate::lifecycle::Unrooted::Itself],
        ..Wishes::default()
    })
    .await;
    let ended = world.settled(world.issue().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(
        ended.remark.contains("attestation was refused"),
        "{}",
        ended.remark
    );
    assert_eq!(world.host.state().key.credentials, []);
    assert_eq!(world.credentials().await[0].on_token, OnToken::Deleted);
    assert_eq!(world.idp.state().imported, 0);
    assert_eq!(world.token().await.state, TokenState::Registered);
    world.agree().await;
}

#[tokio::test]
async fn enterprise_attestation_that_is_demanded_and_not_given_costs_the_credential() {
    let world = World::with(Wishes {
        change: |template| template.enterprise_attestation = true,
        host: |host| host.key.ep = Some(false),
        ..Wishes::default()
    })
    .await;
    let ended = world.settled(world.issue().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("names no device"), "{ended:?}");
    assert!(
        ended.next_action.contains("enterprise attestation"),
        "{ended:?}"
    );
    let log = world.host.state().log.clone();
    let done = [
        "inspect",
        "set-pin",
        "configure",
        "make-credential",
        "delete-credential",
    ];
    assert_eq!(log, done);
    assert_eq!(world.host.state().key.credentials, []);
    assert_eq!(world.credentials().await[0].on_token, OnToken::Deleted);
    assert_eq!(world.idp.state().imported, 0);
    world.agree().await;
}

#[tokio::test]
async fn a_key_without_enterprise_attestation_is_refused_before_anything_is_made() {
    let world = World::with(Wishes {
        change: |template| template.enterprise_attestation = true,
        ..Wishes::default()
    })
    .await;
    let ended = world.settled(world.issue().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("no ep"), "{ended:?}");
    assert_eq!(world.host.state().log, ["inspect"]);
}

#[tokio::test]
async fn a_credential_that_the_provider_refuses_is_deleted_from_the_key() {
    let world = World::new().await;
    let refused = Why::NotPermitted {
        status: 403,
        said: Default::default(),
    };
    world
        .idp
        .state()
        .say
        .push((Call::AddAuthenticator, refused));
    let ended = world.settled(world.issue().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("403"), "{}", ended.remark);
    assert!(
        ended.next_action.contains("import switch"),
        "{}",
        ended.next_action
    );
    assert_eq!(world.host.state().key.credentials, []);
    world.agree().await;
    // The PIN that was set is held, so the key can be issued at once.
    let again = world.settled(world.issue().await.id).await;
    assert_eq!(again.state, State::Succeeded, "{again:?}");
    world.agree().await;
}

#[tokio::test]
async fn a_provider_that_is_busy_is_asked_again() {
    let world = World::new().await;
    for call in [
        Call::FindUser,
        Call::AddAuthenticator,
        Call::ListAuthenticators,
    ] {
        for why in [
            Why::TooManyRequests { retry_after: None },
            Why::Unreachable("refused".into()),
            Why::ServerFault {
                status: 500,
                said: Default::default(),
            },
        ] {
            world.idp.state().say.push((call, why));
        }
    }
    let ended = world.settled(world.issue().await.id).await;
    assert_eq!(ended.state, State::Succeeded, "{ended:?}");
    world.agree().await;
}

#[tokio::test]
async fn a_provider_that_never_says_what_it_did_needs_a_person() {
    let world = World::new().await;
    for _ in 0..9 {
        let fault = Why::ServerFault {
            status: 500,
            said: Default::default(),
        };
        world.idp.state().say.push((Call::AddAuthenticator, fault));
    }
    let id = world.issue().await.id;
    let parked = world.settled(id).await;
    assert_eq!(parked.state, State::NeedsAttention);
    assert!(parked.remark.contains("publish") && parked.remark.contains("500"));
    assert!(parked.next_action.contains("identity provider"));
    world.idp.state().say.clear();
    let retried = crate::operation::Resolution::Retry;
    world
        .engine
        .resolve(id, retried, "works again", ACTOR)
        .await
        .unwrap();
    assert_eq!(world.settled(id).await.state, State::Succeeded);
    world.agree().await;
}

#[tokio::test]
async fn a_list_without_credential_ids_needs_a_person_and_never_a_second_import() {
    let world = World::new().await;
    world.idp.state().nameless = true;
    let lost = Why::NoAnswer("reset".into());
    world.idp.state().say.push((Call::AddAuthenticator, lost));
    world
        .idp
        .state()
        .authenticators
        .push(crate::connector::idp::Authenticator {
            id: crate::connector::idp::AuthenticatorId("other".into()),
            state: crate::connector::idp::AuthenticatorState::Active,
            credential_id: None,
            friendly_name: None,
            created_at: None,
            last_used_at: None,
        });
    let parked = world.settled(world.issue().await.id).await;
    assert_eq!(parked.state, State::NeedsAttention, "{parked:?}");
    assert_eq!(world.idp.state().imported, 0);
}

#[tokio::test]
async fn a_key_with_a_pin_of_its_own_is_refused_with_what_to_do() {
    let world = World::new().await;
    world.host.state().key.pin = Some("314159".into());
    let ended = world.settled(world.issue().await.id).await;
    assert_eq!(ended.state, State::Failed);
    assert!(ended.remark.contains("has a PIN"), "{}", ended.remark);
    assert!(ended.next_action.contains("reset"), "{}", ended.next_action);
    assert_eq!(world.host.state().log, ["inspect"]);
}

#[tokio::test]
async fn escrow_and_hand_over_seal_alike_at_issue() {
    for custody in [Custody::Escrow, Custody::HandOver] {
        let world = World::with(Wishes {
            custody,
            ..Wishes::default()
        })
        .await;
        world.settled(world.issue().await.id).await;
        assert_eq!(world.secrets().await.len(), 1);
        world.agree().await;
    }
}
