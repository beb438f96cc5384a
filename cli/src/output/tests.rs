use super::*;

#[derive(Serialize)]
struct Host {
    hostname: &'static str,
    linked: bool,
    groups: Vec<&'static str>,
    last_seen_at: Option<String>,
}

impl View for Host {
    const COLUMNS: &'static [&'static str] = &["hostname", "linked", "last_seen_at"];
    const FIELDS: &'static [&'static str] = &["hostname", "linked", "groups", "last_seen_at"];
}

fn hosts() -> [Host; 2] {
    [
        Host {
            hostname: "laptop-7",
            linked: true,
            groups: vec!["berlin", "sales"],
            last_seen_at: time(1_700_000_000_000_000),
        },
        Host {
            hostname: "pc",
            linked: false,
            groups: vec![],
            last_seen_at: time(0),
        },
    ]
}

fn printed(format: Format, print: impl FnOnce(&mut Output<'_>) -> Result<()>) -> String {
    let mut out = Vec::new();
    print(&mut Output::new(format, &mut out)).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_list_is_a_table_for_people() {
    insta::assert_snapshot!(printed(Format::Table, |o| o.list("hosts", &hosts(), None)));
}

#[test]
fn a_list_is_one_json_document_for_programs() {
    insta::assert_snapshot!(printed(Format::Json, |o| o.list(
        "hosts",
        &hosts(),
        Some("p2")
    )));
}

#[test]
fn one_is_a_line_per_field_for_people() {
    insta::assert_snapshot!(printed(Format::Table, |o| o.show(&hosts()[0])));
}

#[test]
fn sentences_and_sections_stay_out_of_json() {
    let out = printed(Format::Json, |o| {
        o.show(&hosts()[1])?;
        o.say("hello")?;
        o.section("more", &hosts())
    });
    assert_eq!(out.lines().count(), 1, "{out}");
}

#[test]
fn a_name_chosen_by_a_token_cannot_steer_the_terminal() {
    #[derive(Serialize)]
    struct Token {
        product: &'static str,
    }
    impl View for Token {
        const COLUMNS: &'static [&'static str] = &["product"];
    }
    let token = Token {
        product: "key\x1b[2J\r\nsecond line",
    };
    let out = printed(Format::Table, |o| o.list("tokens", &[token], None));
    assert!(!out.contains('\x1b') && out.lines().count() == 2, "{out:?}");
}
