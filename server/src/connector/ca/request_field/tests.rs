use super::*;

fn field(name: &str, value: &str) -> RequestField {
    RequestField {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn bob() -> Attributes<'static> {
    Attributes {
        user_name: "bob",
        display_name: "Bob Smith",
        mail: "bob.smith@example.com",
        given_name: "Bob",
        sn: "Smith",
        sam_account_name: "bsmith",
        user_principal_name: "bob@example.com",
        serial: "4711",
    }
}

fn value_of(value: &str) -> String {
    let filled = fill(&[field("cn", value)], &bob()).unwrap();
    filled.subject[0].value.clone()
}

fn faults(fields: &[RequestField]) -> Vec<(String, Fault)> {
    let wrong = check(fields).unwrap_err();
    wrong.0.into_iter().map(|w| (w.field, w.fault)).collect()
}

#[test]
fn text_and_attributes_are_joined() {
    for (value, expected) in [
        ("Bob Smith", "Bob Smith"),
        ("{user.mail}", "bob.smith@example.com"),
        ("{user.given_name} {user.sn}", "Bob Smith"),
        (
            "key {token.serial} of {user.sam_account_name}",
            "key 4711 of bsmith",
        ),
        ("{{not a placeholder}}", "{not a placeholder}"),
        ("{{{user.sn}}}", "{Smith}"),
        ("  {user.user_name} ", "bob"),
    ] {
        assert_eq!(value_of(value), expected, "{value}");
    }
}

#[test]
fn every_placeholder_that_is_offered_can_be_filled() {
    for placeholder in PLACEHOLDERS {
        assert!(
            !value_of(&format!("{{{placeholder}}}")).is_empty(),
            "{placeholder}"
        );
    }
}

#[test]
fn every_wrong_placeholder_of_every_field_is_named() {
    let fields = [
        field("cn", "{user.name} {user.sn} {mail}"),
        field("san:mail", "{}"),
        field("o", "Acme"),
    ];
    let placeholder = |word: &str| Fault::Placeholder(word.to_owned());
    assert_eq!(
        faults(&fields),
        [
            ("cn".to_owned(), placeholder("user.name")),
            ("cn".to_owned(), placeholder("mail")),
            ("san:mail".to_owned(), placeholder("")),
        ]
    );
    let text = check(&fields).unwrap_err().to_string();
    assert!(
        text.contains("{user.name}") && text.contains("{user.user_principal_name}"),
        "{text}"
    );
}

#[test]
fn a_lonely_brace_is_named_from_where_it_stands() {
    for (value, from) in [
        ("a{user.sn", "{user.sn"),
        ("a}b", "}b"),
        ("{user.sn}{", "{"),
    ] {
        assert_eq!(
            faults(&[field("cn", value)]),
            [("cn".to_owned(), Fault::Brace(from.to_owned()))],
            "{value}"
        );
    }
}

#[test]
fn names_that_do_not_exist_or_stand_twice_are_refused() {
    for name in [
        "",
        "san:",
        "san:UPN",
        "san:ip",
        "c n",
        "cn=Bob",
        "ö",
        &"a".repeat(65),
    ] {
        assert_eq!(
            faults(&[field(name, "x")]),
            [(name.to_owned(), Fault::Name)],
            "{name}"
        );
    }
    assert_eq!(
        faults(&[field("cn", "a"), field("cn", "b")]),
        [("cn".to_owned(), Fault::Twice)]
    );
    check(&[
        field("OU", "a"),
        field("OU", "b"),
        field("san:mail", "a"),
        field("san:mail", "b"),
    ])
    .unwrap();
}

#[test]
fn a_value_has_text_of_a_reasonable_length_and_no_control_characters() {
    assert_eq!(
        faults(&[field("cn", "")]),
        [("cn".to_owned(), Fault::Length(0))]
    );
    assert_eq!(
        faults(&[field("cn", &"a".repeat(257))]),
        [("cn".to_owned(), Fault::Length(257))]
    );
    assert_eq!(
        faults(&[field("cn", "a\nb")]),
        [("cn".to_owned(), Fault::Unprintable)]
    );
    let long = "b".repeat(300);
    let user = Attributes { sn: &long, ..bob() };
    let wrong = fill(&[field("cn", "{user.sn}")], &user).unwrap_err();
    assert_eq!(wrong.0[0].fault, Fault::Length(300));
    let user = Attributes {
        sn: "a\u{0}b",
        ..bob()
    };
    let wrong = fill(&[field("cn", "{user.sn}")], &user).unwrap_err();
    assert_eq!(wrong.0[0].fault, Fault::Unprintable);
}

#[test]
fn every_attribute_that_the_user_lacks_is_named() {
    let user = Attributes {
        mail: "",
        user_principal_name: " ",
        ..bob()
    };
    let fields = [
        field("cn", "{user.user_name}"),
        field("san:mail", "{user.mail}"),
        field("san:upn", "{user.user_principal_name}"),
    ];
    let wrong = fill(&fields, &user).unwrap_err();
    let faults: Vec<_> = wrong.0.iter().map(|wrong| wrong.fault.clone()).collect();
    assert_eq!(
        faults,
        [
            Fault::Unknown("user.mail"),
            Fault::Unknown("user.user_principal_name")
        ]
    );
}

#[test]
fn a_field_name_is_read_as_it_is_written() {
    for text in [
        "cn",
        "emailAddress",
        "2.5.4.3",
        "san:upn",
        "san:mail",
        "san:dns",
        "san:uri",
    ] {
        assert_eq!(FieldName::parse(text).unwrap().to_string(), text);
    }
}
