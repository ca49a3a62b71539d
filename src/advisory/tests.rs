//! First looks and package URLs, by texts written here.

use super::*;

fn names(names: &[&str]) -> Names {
    let names: Vec<PackageName> = names.iter().map(|name| name.parse().unwrap()).collect();
    Names::of(names.iter())
}

#[test]
fn a_first_look_passes_over_no_record_about_an_asked_name() {
    let asked = names(&["plum-tart"]);
    let place = Place::file("x.json");
    let json = |text: &str| Glance::of_json(text.as_bytes(), &asked, &place).map(|glance| glance.is_asked);
    let about =
        |name: &str| format!(r#"{{"affected":[{{"package":{{"ecosystem":"PyPI","name":"{name}"}}}}]}}"#);
    for name in ["plum-tart", "Plum_Tart", "plum.-_tart", "plum\\u002dtart"] {
        assert_eq!(json(&about(name)), Ok(true), "{name}");
    }
    assert_eq!(json(&about("plum")), Ok(false));
    assert_eq!(json(&about("plum-tart").replace("PyPI", "npm")), Ok(false));
    assert_eq!(json(r#"{"id":"X","affected":null}"#), Ok(false));
    assert!(json("[]").is_err() && json("{").is_err());
    let yaml = |name: &str| {
        let text = format!(
            "id: X-1\ndetails: about plum-tart\naffected:\n- package: {{ecosystem: PyPI, name: {name}}}\n\
             modified: 2024-03-02T00:00:00Z\n"
        );
        Glance::of_yaml(&text, &asked, &Place::file("x")).map(|glance| glance.is_asked)
    };
    for name in ["Plum_Tart", "'plum.tart'", "\"plum\\x2dtart\""] {
        assert_eq!(yaml(name).ok(), Some(true), "{name}");
    }
    assert_eq!(yaml("peach").ok(), Some(false));
}

#[test]
fn a_record_in_yaml_that_was_cut_is_no_record() {
    let whole = "id: X-1\naffected:\n- package:\n    ecosystem: PyPI\n    name: plum\nmodified: 2024-03-02T00:00:00Z\n";
    let read = |text: &str| Glance::of_yaml(text, &names(&["plum"]), &Place::file("x"));
    assert!(read(whole).unwrap().is_asked);
    for end in 0..whole.len() - 2 {
        let cut = whole.get(..end).unwrap();
        assert!(read(cut).is_err(), "{cut:?}");
    }
}

#[test]
fn a_first_look_tells_when_a_record_was_changed() {
    let time = |glance: Glance| glance.modified.map(|time| time.to_string());
    let asked = names(&[]);
    let json = Glance::of_json(br#"{"modified":"2024-03-02T00:00:00Z"}"#, &asked, &Place::file("x")).unwrap();
    assert_eq!(time(json).as_deref(), Some("2024-03-02T00:00:00Z"));
    for text in ["id: x\nmodified: \"2024-03-02T00:00:00Z\"", "id: x\nmodified: 2024-03-02T00:00:00Z\n"] {
        let yaml = Glance::of_yaml(text, &asked, &Place::file("x")).unwrap();
        assert_eq!(time(yaml).as_deref(), Some("2024-03-02T00:00:00Z"));
    }
}

#[test]
fn a_package_url_has_no_plain_plus() {
    let subject = Subject {
        name: "plum".parse().unwrap(),
        version: "1!2.0+cpu".parse().unwrap(),
        place: Place::file("x"),
        bounds: Vec::new(),
    };
    assert_eq!(subject.purl(), "pkg:pypi/plum@1%212.0%2Bcpu");
}
