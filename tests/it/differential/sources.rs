//! Cases about where files come from and which files of the run are read, and about options that are begun and not ended.

use super::cases::{Case, Expect, single};

const ONE: &str = "simple==1.0 {H:simple-1.0}\n";
/// Where nobody listens.
const DEAD: &str = "http://127.0.0.1:9/simple";

pub fn sources() -> Vec<Case> {
    let mut all = places();
    all.extend(beginnings());
    all
}

fn places() -> Vec<Case> {
    let nested = format!("--find-links wheels\n{ONE}");
    let files = [
        ("one.txt", ONE),
        ("path.txt", "{w:simple-1.0}\n"),
        ("home/wheels/empty.txt", ""),
        ("more/nested.txt", nested.as_str()),
        ("more/wheels/empty.txt", ""),
    ];
    let case = |name: &str, typed: &str, expect: Expect| {
        single(&format!("sources: {name}"), &files, &[], typed, expect)
    };
    let same = |name: &str, typed: &str| case(name, typed, Expect::Same);
    let wrong = |name: &str, typed: &str| case(name, typed, Expect::BothRefuse);
    vec![
        same("a wheel by its address", "--find-links {files}/{n:simple-1.0} -r one.txt"),
        same("a place at home", "--find-links ~/wheels -r one.txt"),
        same("links of a nested file", "-r more/nested.txt"),
        same("constraint by path", "-r one.txt -c path.txt"),
        same("an empty proxy", "--proxy= -r one.txt"),
        same("a proxy that is not used", "--proxy http://[bad -r one.txt"),
        wrong("extras in a fragment", "file://{w:simple-1.0}#egg=simple[x]&sha256={h:simple-1.0}"),
        wrong("no file of build constraints", "--build-constraint missing.txt -r one.txt"),
        // With --no-index nothing but links is looked at, so what is dead is one of them.
        case(
            "a dead link beside a folder",
            &format!("--find-links {DEAD} -r one.txt --retries 0"),
            Expect::Differs,
        ),
    ]
}

/// Beginnings of options: of one of pip's, or of several.
fn beginnings() -> Vec<Case> {
    let case = |option: &str, expect: Expect| {
        single(&format!("begun: {option}"), &[("one.txt", ONE)], &[], &format!("-r one.txt {option}"), expect)
    };
    let same = ["--force", "--ver", "--no-clean", "--upg", "--only-b :all:", "--progress off", "--no-warn-s"];
    let wrong = ["--no-dep", "--require-v", "--no-c", "--only", "--up", "--no-warn", "--source-di x"];
    let same = same.into_iter().map(|option| case(option, Expect::Same));
    same.chain(wrong.into_iter().map(|option| case(option, Expect::BothRefuse))).collect()
}
