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
    let yaml = |text: &str| Glance::of_yaml(text, &asked).is_asked;
    assert!(yaml("package: {ecosystem: PyPI, name: Plum_Tart}"));
    assert!(yaml("name: 'plum.tart'"));
    assert!(yaml("name: \"plum\\x2dtart\""));
    assert!(!yaml("details: about plum, and a tart\nname: peach"));
}

#[test]
fn a_first_look_tells_when_a_record_was_changed() {
    let time = |glance: Glance| glance.modified.map(|time| time.to_string());
    let asked = names(&[]);
    let json = Glance::of_json(br#"{"modified":"2024-03-02T00:00:00Z"}"#, &asked, &Place::file("x")).unwrap();
    assert_eq!(time(json).as_deref(), Some("2024-03-02T00:00:00Z"));
    for text in ["modified: \"2024-03-02T00:00:00Z\"", "id: x\nmodified: 2024-03-02T00:00:00Z\n"] {
        assert_eq!(time(Glance::of_yaml(text, &asked)).as_deref(), Some("2024-03-02T00:00:00Z"));
    }
    assert_eq!(time(Glance::of_yaml("details: |\n  modified: 2024-03-02T00:00:00Z", &asked)), None);
}

#[test]
fn a_package_url_has_no_plain_plus() {
    let subject = Subject {
        name: "plum".parse().unwrap(),
        version: "1!2.0+cpu".parse().unwrap(),
        place: Place::file("x"),
    };
    assert_eq!(subject.purl(), "pkg:pypi/plum@1%212.0%2Bcpu");
}
