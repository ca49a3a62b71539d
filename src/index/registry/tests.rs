//! Which index is asked about a name, and on which hosts its files are.

use super::*;

fn index(name: &str, url: &str, packages: &[&str], hosts: &[&str]) -> Known {
    let url = Url::parse(url).unwrap();
    let source = IndexSource {
        name: Some(name.to_owned()),
        packages: packages.iter().map(|text| text.parse().unwrap()).collect(),
        file_hosts: hosts.iter().map(|text| text.parse().unwrap()).collect(),
        ..IndexSource::from(url.clone())
    };
    Known { url, source, mirror: None, is_mirror: false }
}

fn registry() -> Registry {
    let indexes = vec![
        index("internal", "https://pkgs.example/simple/", &["acme-*", "tool"], &[]),
        index("pypi", PYPI, &[], &[]),
        index("split", "https://split.example/simple/", &["far"], &["files.split.example:8443"]),
    ];
    Registry { indexes, file_hosts: Vec::new(), instead: Instead::Nothing }
}

fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

#[test]
fn patterns_stand_for_names() {
    let check = |pattern: &str, name: &str, fits: bool| {
        let pattern: NamePattern = pattern.parse().unwrap();
        assert_eq!(pattern.matches(&name.parse().unwrap()), fits, "{pattern} {name}");
    };
    check("acme-*", "acme-tool", true);
    check("Acme_*", "ACME.Tool", true);
    check("acme-*", "acme", false);
    check("acme-*", "not-acme-tool", false);
    check("acme", "acme", true);
    check("acme", "acme-tool", false);
    check("*", "anything", true);
    check("*-acme", "x-acme-acme", true);
    check("a*b*c", "a-b-b-c", true);
    check("a*b*c", "a-c", false);
    for bad in ["", "a b", "-x", "a/b", "ä*", "a?"] {
        assert!(bad.parse::<NamePattern>().is_err(), "{bad}");
    }
}

#[test]
fn hosts_are_hosts() {
    for (text, shown) in
        [("Files.Example.org", "files.example.org"), ("h:8443", "h:8443"), ("[::1]:80", "[::1]:80")]
    {
        assert_eq!(text.parse::<FileHost>().unwrap().to_string(), shown);
    }
    for bad in ["", "https://h", "h/path", "al:pw@h", "h h", "h:99999"] {
        assert!(bad.parse::<FileHost>().is_err(), "{bad}");
    }
}

#[test]
fn a_pinned_name_asks_its_own_index_alone() {
    let registry = registry();
    assert_eq!(registry.asked(&name("acme-x")), [0]);
    assert_eq!(registry.asked(&name("tool")), [0]);
    assert_eq!(registry.asked(&name("idna")), [1]);
    assert_eq!(registry.asked(&name("far")), [2]);
}

#[test]
fn an_address_is_on_a_host_of_its_index() {
    let registry = registry();
    let check = |project: &str, index: Option<&str>, url: &str| {
        let index = index.map(|text| Url::parse(text).unwrap());
        let found = registry.check_host(&name(project), index.as_ref(), &Url::parse(url).unwrap());
        found.map_err(|problem| problem.code())
    };
    let refused = Err(Code::FileHost);
    let pypi = Some("https://pypi.org/simple");
    assert_eq!(check("idna", pypi, "https://files.pythonhosted.org/x.whl"), Ok(()));
    assert_eq!(check("idna", None, "https://files.pythonhosted.org/x.whl"), Ok(()));
    assert_eq!(check("idna", None, "https://pkgs.example/x.whl"), Ok(()));
    assert_eq!(check("idna", pypi, "https://files.pythonhosted.org:444/x.whl"), refused);
    assert_eq!(check("idna", pypi, "http://files.pythonhosted.org/x.whl"), refused);
    assert_eq!(check("idna", pypi, "https://pkgs.example/x.whl"), refused);
    assert_eq!(check("idna", pypi, "https://evil.example/x.whl"), refused);
    let evil = Some("https://evil.example/simple/");
    assert_eq!(check("idna", evil, "https://evil.example/x.whl"), refused);
    assert_eq!(check("acme-x", None, "https://pkgs.example/x.whl"), Ok(()));
    assert_eq!(check("acme-x", pypi, "https://files.pythonhosted.org/x.whl"), refused);
    assert_eq!(check("far", None, "https://files.split.example:8443/x.whl"), Ok(()));
    assert_eq!(check("far", None, "https://split.example/x.whl"), refused);
}

#[test]
fn where_no_index_is_configured_a_lock_has_no_hosts_of_its_own() {
    let source = IndexSource { name: None, ..IndexSource::from(Url::parse(PYPI).unwrap()) };
    let known = Known { url: Url::parse(PYPI).unwrap(), source, mirror: None, is_mirror: false };
    let registry = Registry { indexes: vec![known], file_hosts: Vec::new(), instead: Instead::Nothing };
    let check = |index: Option<&str>, url: &str| {
        let index = index.map(|text| Url::parse(text).unwrap());
        registry.check_host(&name("idna"), index.as_ref(), &Url::parse(url).unwrap()).is_ok()
    };
    let evil = Some("https://evil.example/simple/");
    let here = Some("http://127.0.0.1:8080/simple/");
    assert!(!check(evil, "https://evil.example/x.whl"));
    assert!(!check(None, "https://evil.example/x.whl"));
    assert!(check(evil, "https://files.pythonhosted.org/x.whl"));
    assert!(check(None, "https://files.pythonhosted.org/x.whl"));
    assert!(check(here, "http://127.0.0.1:8080/x.whl"));
    assert!(!check(here, "http://127.0.0.1:8081/x.whl"));
    assert!(!check(here, "http://127.0.0.1.evil.example:8080/x.whl"));
    assert!(check(None, "http://localhost:8080/x.whl"));
}

#[test]
fn no_credentials_are_shown() {
    let source = IndexSource {
        mirror: Some(Url::parse("https://al:hidden@m/").unwrap()),
        ..IndexSource::from(Url::parse("https://al:hidden@h/simple/").unwrap())
    };
    assert!(!format!("{source:?}").contains("hidden"));
}
