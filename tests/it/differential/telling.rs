//! Cases in which what is told is compared line by line, in its order, also of runs that fail.

use super::cases::{Case, Expect, single};
use crate::support::run::Output;

const ONE: &str = "simple==1.0 {H:simple-1.0}\n";
const CLOSED: &str = "needs==1.0 {H:needs-1.0}\ndep==1.0 {H:dep-1.0}\n";
const CHAIN: &str = "chain==1.0 {H:chain-1.0}\nextra-needs==1.0 {H:extra_needs-1.0}\n\
    dep==1.0 {H:dep-1.0}\nsimple==1.0 {H:simple-1.0}\n";
const ZEROS: &str = "--hash=sha256:0000000000000000000000000000000000000000000000000000000000000000";

pub fn telling() -> Vec<Case> {
    let wrong = format!("dep==1.0 {{H:dep-1.0}}\nsimple==1.0 {ZEROS}\nneeds==1.0 {{H:needs-1.0}}\n");
    let wrongly = format!("needs==1.0 {{H:needs-1.0}}\ndep==1.0 {ZEROS}\n");
    let wrong_path = format!("file://{{w:simple-1.0}} {ZEROS} {}\n", ZEROS.replace('0', "1"));
    let elsewhere = "nothing; sys_platform == 'none'\nother==1; python_version < '3'\n\
        https://127.0.0.1:9/far-1-py3-none-none.whl; sys_platform == \"none\"\nsimple==1.0 {H:simple-1.0}\n";
    let files = &[
        ("one.txt", ONE),
        ("two.txt", "simple==2.0 {H:simple-2.0-1}\n"),
        ("closed.txt", CLOSED),
        ("newer.txt", "needs==1.0 {H:needs-1.0}\ndep==2.0 {H:dep-2.0}\n"),
        ("chain.txt", CHAIN),
        ("path.txt", "{w:mixed_case} {H:mixed_case}\n"),
        ("path-x.txt", "{w:chain-1.0}[x] {H:chain-1.0}\n-r rest.txt\n"),
        (
            "rest.txt",
            "extra-needs==1.0 {H:extra_needs-1.0}\ndep==1.0 {H:dep-1.0}\nsimple==1.0 {H:simple-1.0}\n",
        ),
        ("named.txt", "mixed-case.NAME @ file://{w:mixed_case}#sha256={h:mixed_case}\n"),
        ("elsewhere.txt", elsewhere),
        ("wrong.txt", wrong.as_str()),
        ("wrongly.txt", wrongly.as_str()),
        ("wrong-path.txt", wrong_path.as_str()),
        ("python.txt", "newer==1.0 {H:newer-1.0}\nsimple==1.0 {H:simple-1.0}\n"),
        ("below.txt", "simple<2\n"),
        ("wheel.txt", "{w:simple-1.0}\n"),
        ("by-address.txt", "simple @ file://{w:simple-1.0}#sha256={h:simple-1.0}\n"),
        ("bad.txt", "simple==\n"),
        ("empty.py", "# /// script\n# ///\n"),
    ];
    let told = |name: &str, before: &[&str], typed: &str| {
        single(&format!("told: {name}"), files, before, typed, Expect::Told)
    };
    vec![
        told("a name and what it needs", &[], "needs -c closed.txt"),
        told("the same again", &["-r closed.txt"], "needs>=1 -c closed.txt"),
        told("extras on the way", &[], "chain[x] -c chain.txt"),
        told("extras on the way, again", &["-r chain.txt"], "chain[x] -c chain.txt"),
        told("extras of what is there", &["chain -c chain.txt"], "chain[y,x] chain -c chain.txt"),
        told("several upgrades", &["-r closed.txt"], "-r newer.txt --force-reinstall"),
        told("a path", &[], "-r path.txt"),
        told("a path, again", &["-r path.txt"], "-r path.txt"),
        told("a path, forced", &["-r path.txt"], "-r path.txt --force-reinstall"),
        told("a path with extras", &[], "-r path-x.txt"),
        told("a name with an address", &["-r path.txt"], "-r named.txt --force-reinstall"),
        told("what is for other environments", &[], "-r elsewhere.txt"),
        told("nothing that is for this one", &[], "nothing;sys_platform=='none'"),
        told("a hash in the middle", &[], "-r wrong.txt"),
        told("a hash on the way", &[], "needs -c wrongly.txt"),
        told("hashes of a path", &[], "-r wrong-path.txt"),
        told("another Python", &[], "-r python.txt"),
        told("a constraint that excludes", &[], "-r two.txt -c below.txt"),
        told("a constraint by path", &[], "-r one.txt -c wheel.txt"),
        told("a constraint by address", &[], "simple -c by-address.txt --dry-run --report report.json"),
        told("a constraint by address, again", &["simple -c by-address.txt"], "simple -c by-address.txt"),
        told("no name of that kind", &[], "nobody -c one.txt"),
        told("constraints that are not there", &[], "-c gone.txt"),
        told("constraints that cannot be read", &[], "-c bad.txt"),
        told("no file", &[], "-r gone.txt"),
        told("a script that says nothing", &[], "--requirements-from-script empty.py -c one.txt"),
    ]
}

/// What of two runs is not told in the same lines.
pub fn compare(pip: &Output, ours: &Output, wrong: &mut Vec<String>) {
    for (of, pip, ours) in [
        ("standard output", read(&pip.stdout), read(&ours.stdout)),
        ("standard error", rows(&pip.stderr), rows(&ours.stderr)),
    ] {
        if pip != ours {
            wrong.push(format!("{of}:\n{}\nand\n{}", pip.join("\n"), ours.join("\n")));
        }
    }
}

/// The lines that tell what goes on. (The reasons of a conflict, which stand between empty lines, are told by each its own way.)
fn read(stdout: &str) -> Vec<&str> {
    let goes_on = |line: &&str| {
        let word = line.trim_start().split([' ', ':']).next().unwrap_or_default();
        matches!(
            word,
            "Looking"
                | "Collecting"
                | "Processing"
                | "Requirement"
                | "Ignoring"
                | "Installing"
                | "Attempting"
                | "Found"
                | "Uninstalling"
                | "Successfully"
                | "Would"
        ) || line.contains(" is already installed with the same version")
    };
    stdout.lines().filter(goes_on).collect()
}

/// The rows of hashes, and the first line of each error that is pip's.
fn rows(stderr: &str) -> Vec<&str> {
    let is_row = |line: &&str| line.starts_with("        Expected ") || line.starts_with("             Got ");
    stderr.lines().filter(is_row).collect()
}
