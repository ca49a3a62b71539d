//! Cases about options that choose: which releases count, what is reinstalled, and values that pip knows or does not.

use super::cases::{Case, Expect, single};

const EARLY: &str = "early==1.0a1 {H:early-1.0a1}\n";
const ONE: &str = "simple==1.0 {H:simple-1.0}\n";

pub fn choices() -> Vec<Case> {
    let mut all = releases();
    all.extend(origins());
    all.extend(values());
    all.extend(formats());
    all
}

/// `--all-releases`, `--only-final` and `--uploaded-prior-to`.
fn releases() -> Vec<Case> {
    let case = |name: &str, typed: &str, expect: Expect| {
        let lines = |option: &str| format!("{option}\n{EARLY}");
        let (all, finals, named) =
            (lines("--all-releases early"), lines("--only-final :all:"), lines("--only-final Early"));
        let files = [
            ("r.txt", EARLY),
            ("one.txt", ONE),
            ("all.txt", all.as_str()),
            ("final.txt", finals.as_str()),
            ("named.txt", named.as_str()),
        ];
        single(&format!("releases: {name}"), &files, &[], typed, expect)
    };
    let same = |name: &str, typed: &str| case(name, typed, Expect::Same);
    let wrong = |name: &str, typed: &str| case(name, typed, Expect::BothRefuse);
    vec![
        same("pre", "-r r.txt --pre"),
        same("all", "-r r.txt --all-releases :all:"),
        same("finals of others", "-r r.txt --only-final simple,dep"),
        same("finals, and this one", "-r r.txt --only-final :all: --all-releases early"),
        same("none after all", "-r r.txt --only-final :all: --only-final :none:"),
        same("final, then all of it", "-r r.txt --only-final early --all-releases early"),
        same("finals of a final one", "-r one.txt --only-final :all:"),
        same("a name in a file", "-r all.txt"),
        wrong("finals", "-r r.txt --only-final :all:"),
        wrong("finals by name", "-r r.txt --only-final EARLY"),
        wrong("all, then final", "-r r.txt --all-releases :all: --only-final early"),
        wrong("its name, then all final", "-r r.txt --all-releases early --only-final :all:"),
        wrong("finals in a file", "-r final.txt"),
        wrong("finals by name in a file", "-r named.txt"),
        wrong("pre and all", "-r r.txt --pre --all-releases early"),
        same("old files of a folder", "-r one.txt --uploaded-prior-to 2000-01-01"),
        wrong("no time", "-r one.txt --uploaded-prior-to yesterday"),
    ]
}

/// `--no-binary` and `--only-binary`: the later one counts, and what would be built is refused.
fn formats() -> Vec<Case> {
    let lines = |options: &str| format!("{options}\n{ONE}");
    let (sources, wheels, both, turned) = (
        lines("--no-binary :all:"),
        lines("--only-binary :all:"),
        lines("--no-binary :all:\n--only-binary simple"),
        lines("--only-binary simple\n--no-binary :all:"),
    );
    let files = [
        ("one.txt", ONE),
        ("sources.txt", sources.as_str()),
        ("wheels.txt", wheels.as_str()),
        ("both.txt", both.as_str()),
        ("turned.txt", turned.as_str()),
    ];
    let case = |name: &str, before: &[&str], typed: &str, expect: Expect| {
        single(&format!("formats: {name}"), &files, before, typed, expect)
    };
    let same = |name: &str, typed: &str| case(name, &[], typed, Expect::Same);
    let wrong = |name: &str, typed: &str| case(name, &[], typed, Expect::BothRefuse);
    vec![
        same("none built after all", "--no-binary :all: --only-binary simple -r one.txt"),
        same("all built, then none", "--no-binary :all: --no-binary :none: -r one.txt"),
        same("all built, then all wheels", "--no-binary :all: --only-binary :all: -r one.txt"),
        same("another one built", "--no-binary other -r one.txt"),
        same("the file has the last word", "--no-binary :all: -r wheels.txt"),
        same("a name in a file", "-r both.txt"),
        case("already there", &["-r one.txt"], "--no-binary :all: -r one.txt", Expect::Same),
        wrong("built", "--no-binary simple -r one.txt"),
        wrong("wheels, then built", "--only-binary :all: --no-binary simple -r one.txt"),
        wrong("built by the file", "--only-binary :all: -r sources.txt"),
        wrong("a name in a file, then all", "-r turned.txt"),
    ]
}

/// What is installed already, by another way.
fn origins() -> Vec<Case> {
    let files = &[
        ("one.txt", ONE),
        ("direct.txt", "simple @ file://{w:simple-1.0}#sha256={h:simple-1.0}\n"),
        ("two.txt", "simple @ file://{w:simple-2.0-1}#sha256={h:simple-2.0-1}\n"),
    ];
    let same = |name: &str, before: &str, typed: &str| {
        single(&format!("origins: {name}"), files, &[before], typed, Expect::Same)
    };
    vec![
        same("from a folder, then by address", "-r one.txt", "-r direct.txt"),
        same("by address, then from a folder", "-r direct.txt", "-r one.txt"),
        same("by address, forced", "-r one.txt", "--force-reinstall -r direct.txt"),
        same("from a folder, forced", "-r direct.txt", "--force-reinstall -r one.txt"),
        same("another version by address", "-r one.txt", "-r two.txt"),
        same("by address, upgraded", "-r direct.txt", "-U -r two.txt"),
    ]
}

/// Values of options that pip knows, and others.
fn values() -> Vec<Case> {
    let case = |name: &str, typed: &str, variables: &[(&str, &str)], expect: Expect| Case {
        variables: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..single(
            &format!("values: {name}"),
            &[("one.txt", ONE), ("feature.txt", "--use-feature nonsense\n")],
            &[],
            &format!("-r one.txt {typed}"),
            expect,
        )
    };
    let wrong = |name: &str, typed: &str| case(name, typed, &[], Expect::BothRefuse);
    vec![
        case("known actions", "--exists-action s --exists-action w", &[], Expect::Same),
        wrong("feature", "--use-feature nonsense"),
        wrong("feature of an older pip", "--use-feature 2020-resolver"),
        wrong("feature in a file", "-r feature.txt"),
        wrong("deprecated", "--use-deprecated nonsense"),
        wrong("action", "--exists-action x"),
        case("feature of a variable", "", &[("PIP_USE_FEATURE", "nonsense")], Expect::BothRefuse),
        case("action of a variable", "", &[("PIP_EXISTS_ACTION", "s x")], Expect::BothRefuse),
    ]
}
