//! What pipward refuses: where pip takes it, and where neither does.

use super::*;

/// pip takes it; it is not pinned or hashed enough.
pub(super) fn stricter() -> Vec<Case> {
    let refused = |name: &str, files: &[(&str, &str)], before: &[&str], typed: &str, code: Code| {
        single(name, files, before, typed, Expect::Refused(code))
    };
    let one: (&str, &str) = ("one.txt", "simple==1.0 {H:simple-1.0}\n");
    vec![
        refused("an option as a value", &[], &[], "--index-url --user simple", Code::LockNotFound),
        refused("bare name", &[], &[], "simple", Code::LockNotFound),
        refused("pin without hash", &[("r.txt", "simple==1.0\n")], &[], "-r r.txt", Code::HashMissing),
        refused(
            "hash without pin",
            &[("r.txt", "simple {H:simple-3.0}\n")],
            &[],
            "-r r.txt",
            Code::PinMissing,
        ),
        refused(
            "hash with a range",
            &[("r.txt", "simple>=1 {H:simple-3.0}\n")],
            &[],
            "-r r.txt",
            Code::PinMissing,
        ),
        refused(
            "hash with a wildcard",
            &[("r.txt", "simple==3.* {H:simple-3.0}\n")],
            &[],
            "-r r.txt",
            Code::PinMissing,
        ),
        refused("typed path without hash", &[], &[], "{w:simple-1.0}", Code::HashMissing),
        refused("installed already, unpinned", &[one], &["-r one.txt"], "simple", Code::LockNotFound),
        refused(
            "no hash in common",
            &[("r.txt", "simple==1.0 {H:simple-1.0}\nsimple==1.0 {H:simple-2.0}\n")],
            &[],
            "-r r.txt",
            Code::DuplicatePackage,
        ),
        refused(
            "no-require-hashes",
            &[("r.txt", "--no-require-hashes\nsimple==1.0 {H:simple-1.0}\n")],
            &[],
            "-r r.txt",
            Code::OptionRefused,
        ),
        refused(
            "typed no-require-hashes",
            &[one],
            &[],
            "-r one.txt --no-require-hashes",
            Code::OptionRefused,
        ),
        refused("trusted host", &[one], &[], "-r one.txt --trusted-host example.org", Code::OptionRefused),
        refused(
            "trusted host in the file",
            &[("r.txt", "--trusted-host example.org\nsimple==1.0 {H:simple-1.0}\n")],
            &[],
            "-r r.txt",
            Code::OptionRefused,
        ),
        refused(
            "target, another version",
            &[one, ("two.txt", "simple==2.0 {H:simple-2.0-1}\n")],
            &["--target {work}/t -r one.txt"],
            "--target {work}/t -r two.txt",
            Code::FileConflict,
        ),
    ]
}

/// Neither takes it.
pub(super) fn wrong() -> Vec<Case> {
    let wrong =
        |name: &str, files: &[(&str, &str)], typed: &str| single(name, files, &[], typed, Expect::BothRefuse);
    let one: (&str, &str) = ("one.txt", "simple==1.0 {H:simple-1.0}\n");
    vec![
        wrong("nothing", &[], ""),
        wrong("other Python", &[("r.txt", "newer==1.0 {H:newer-1.0}\n")], "-r r.txt"),
        wrong(
            "dependency for another Python",
            &[("r.txt", "newer-needs==1.0 {H:newer_needs-1.0}\nnewer==1.0 {H:newer-1.0}\n")],
            "-r r.txt",
        ),
        wrong("unknown scheme", &[("r.txt", "odd-scheme==1.0 {H:odd_scheme-1.0}\n")], "-r r.txt"),
        wrong("script without a function", &[("r.txt", "odd-script==1.0 {H:odd_script-1.0}\n")], "-r r.txt"),
        // pip warns that there is no such extra.
        single(
            "unknown extra",
            &[("r.txt", "simple[nope]==1.0 {H:simple-1.0}\n")],
            &[],
            "-r r.txt",
            Expect::Differs,
        ),
        single(
            "sibling by hash",
            &[("r.txt", "simple==2.0 {H:simple-2.0-py3}\n")],
            &[],
            "-r r.txt",
            Expect::Taken,
        ),
        single(
            "path with extras",
            &[(
                "c.txt",
                "dep==1.0 {H:dep-1.0}\nsimple==1.0 {H:simple-1.0}\nextra-needs==1.0 {H:extra_needs-1.0}\n",
            )],
            &[],
            "{w:extra_needs-1.0}[more] -c c.txt",
            Expect::Taken,
        ),
        single(
            "path, and a pin",
            &[("c.txt", "simple==1.0 {H:simple-1.0}\n")],
            &[],
            "{w:simple-1.0} simple==1.0 -c c.txt",
            Expect::Taken,
        ),
        wrong("missing file", &[], "-r missing.txt"),
        wrong(
            "constraints that contradict each other",
            &[(
                "c.txt",
                "dep @ file://{w:dep-1.0}#sha256={h:dep-1.0}\ndep @ file://{w:dep-2.0}#sha256={h:dep-2.0}\n",
            )],
            "dep -c c.txt",
        ),
        wrong(
            "constraint excludes a range",
            &[("c.txt", "simple==1.0 {H:simple-1.0}\n")],
            "simple>1 -c c.txt",
        ),
        wrong(
            "own platform, by one part",
            &[],
            "--python-version 3 --abi cp313 --only-binary :all: --target {work}/t {w:plat-1.0-cp313-cp313-many}#sha256={h:plat-1.0-cp313-cp313-many}",
        ),
        wrong("missing constraint", &[one], "-r one.txt -c missing.txt"),
        wrong("unknown option", &[one], "-r one.txt --bogus"),
        wrong("ambiguous option", &[one], "-r one.txt --no-"),
        wrong("unknown option in the file", &[("r.txt", "--bogus\n")], "-r r.txt"),
        wrong("wrong hash", &[("r.txt", "simple==1.0 {H:simple-2.0}\n")], "-r r.txt"),
        wrong(
            "weak hash",
            &[("r.txt", "simple==1.0 --hash=md5:00000000000000000000000000000000\n")],
            "-r r.txt",
        ),
        wrong("odd hash", &[("r.txt", "simple==1.0 --hash=nonsense\n")], "-r r.txt"),
        wrong("upper case algorithm", &[("r.txt", "simple==1.0 --hash=SHA256:{h:simple-1.0}\n")], "-r r.txt"),
        wrong("missing dependency", &[("r.txt", "needs==1.0 {H:needs-1.0}\n")], "-r r.txt"),
        wrong("constraint excludes", &[one, ("c.txt", "simple==2.0\n")], "-r one.txt -c c.txt"),
        wrong("not a requirement", &[("r.txt", "simple==\n")], "-r r.txt"),
        wrong("unknown version", &[("r.txt", "simple==9.0 {H:simple-1.0}\n")], "-r r.txt"),
        wrong("unknown name", &[("r.txt", "nobody-has-this==1.0 {H:simple-1.0}\n")], "-r r.txt"),
        wrong("other platform", &[("r.txt", "plat==1.0 {H:plat-1.0-cp313-cp313-win_amd64}\n")], "-r r.txt"),
        wrong("includes itself", &[("r.txt", "-r r.txt\n")], "-r r.txt"),
        wrong(
            "editable",
            &[("project/pyproject.toml", "[project]\nname='x'\nversion='1'\n")],
            "--require-hashes -e project",
        ),
        wrong("user and target", &[one], "-r one.txt --user --target {work}/t"),
        wrong("user and prefix", &[one], "-r one.txt --user --prefix {work}/p"),
        wrong("user in a closed environment", &[one], "-r one.txt --user"),
        wrong("platform without target", &[one], "-r one.txt --platform win_amd64 --only-binary :all:"),
        wrong("platform without only-binary", &[one], "-r one.txt --platform win_amd64 --target {work}/t"),
        wrong("target is a file", &[one, ("t", "")], "-r one.txt --target {work}/t"),
        wrong(
            "version control",
            &[("r.txt", "simple @ git+https://127.0.0.1:1/x\n")],
            "--require-hashes -r r.txt",
        ),
        wrong("typed version control", &[], "git+https://127.0.0.1:1/x"),
        wrong(
            "script for another Python",
            &[("s.py", "# /// script\n# requires-python = '<3'\n# dependencies = []\n# ///\n")],
            "--requirements-from-script s.py",
        ),
        wrong("script that says nothing", &[("s.py", "print()\n")], "--requirements-from-script s.py"),
        wrong(
            "group that includes itself",
            &[("pyproject.toml", "[dependency-groups]\nx = [{include-group = 'x'}]\n")],
            "--group x",
        ),
        wrong("no such strategy", &[one], "-r one.txt --upgrade-strategy lazy"),
        wrong("unknown group", &[("pyproject.toml", "[dependency-groups]\nx = []\n")], "--group y"),
        wrong("group path", &[], "--group other.toml:x"),
        wrong(
            "two versions",
            &[("r.txt", "simple==1.0 {H:simple-1.0}\nsimple==2.0 {H:simple-2.0}\n")],
            "-r r.txt",
        ),
    ]
}
