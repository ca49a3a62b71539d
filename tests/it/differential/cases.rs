//! The cases: forms of requirements x options x what is installed before, and single ones.

mod refused;

use pipward::error::Code;

use self::refused::{stricter, wrong};

/// What is expected of a case.
#[derive(Debug, Clone)]
pub enum Expect {
    /// Both do the same.
    Same,
    /// Both do the same, or fail alike, and tell it in the same lines.
    Told,
    /// Both do it, and not the same: docs/pip-options.md says why.
    Differs,
    /// pip does it, pipward refuses it with this code.
    Refused(Code),
    /// Neither does it.
    BothRefuse,
    /// pip fails where pipward finds the right file.
    Taken,
}

/// A case.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub files: Vec<(String, String)>,
    pub before: Vec<Vec<String>>,
    pub words: Vec<String>,
    /// Whether the environment sees the system's packages (and the user's).
    pub shared: bool,
    pub variables: Vec<(String, String)>,
    pub expect: Expect,
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

const LINKS: &str = "--no-index --find-links {links}";
const INDEX: &str = "--index-url {index}";

/// Files by name.
type Files = &'static [(&'static str, &'static str)];

/// Forms of requirements: a name, files, and what is typed.
const FORMS: &[(&str, Files, &str)] = &[
    ("pinned", &[("r.txt", "simple==1.0 {H:simple-1.0}\n")], "-r r.txt"),
    ("closed", &[("r.txt", "needs==1.0 \\\n    {H:needs-1.0}\ndep==2.0 \\\n    {H:dep-2.0}\n")], "-r r.txt"),
    (
        "extras",
        &[(
            "r.txt",
            "extra-needs[more]==1.0 {H:extra_needs-1.0}\ndep==1.0 {H:dep-1.0}\nsimple==1.0 {H:simple-1.0}\n",
        )],
        "-r r.txt",
    ),
    ("mixed-case", &[("r.txt", "mixed-case.name==1.0 {H:mixed_case_name-1.0}\n")], "-r r.txt"),
    ("scripts", &[("r.txt", "scripts==1.0 {H:scripts-1.0}\n")], "-r r.txt"),
    ("everything", &[("r.txt", "everything==1.0 {H:everything-1.0}\n")], "-r r.txt"),
    ("address", &[("r.txt", "simple @ file://{w:simple-1.0}#sha256={h:simple-1.0}\n")], "-r r.txt"),
    ("path", &[("r.txt", "{w:simple-1.0} {H:simple-1.0}\n")], "-r r.txt"),
    ("constraint", &[("r.txt", "simple\n"), ("c.txt", "simple==1.0 {H:simple-1.0}\n")], "-r r.txt -c c.txt"),
    (
        "constraint-of-dependency",
        &[("c.txt", "needs==1.0 {H:needs-1.0}\ndep==1.0 {H:dep-1.0}\nsimple==1.0 {H:simple-1.0}\n")],
        "needs -c c.txt",
    ),
    (
        "markers",
        &[(
            "r.txt",
            "simple==1.0 ; python_version < '3' {H:simple-1.0}\nsimple==2.0 ; python_version >= '3' {H:simple-2.0-1}\n",
        )],
        "-r r.txt",
    ),
    ("nested", &[("r.txt", "-r more/s.txt\n"), ("more/s.txt", "simple==1.0 {H:simple-1.0}\n")], "-r r.txt"),
];

/// Options: a name, the words, whether the environment sees the system's.
const OPTIONS: &[(&str, &str, bool)] = &[
    ("plain", "", false),
    ("upgrade", "-U", false),
    ("no-deps", "--no-deps", false),
    ("target", "--target {work}/t", false),
    ("prefix", "--prefix {work}/p", false),
    ("root", "--root {work}/root", false),
    ("user", "--user", true),
    ("dry-run", "--dry-run --report report.json", false),
    ("report", "--report report.json", false),
    ("force", "--force-reinstall", false),
    ("ignore-installed", "-I", false),
    ("quiet", "-q", false),
    ("require-hashes", "--require-hashes", false),
];

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (form, files, typed) in FORMS {
        for (option, more, shared) in OPTIONS {
            let from = if all.len() % 3 == 0 { INDEX } else { LINKS };
            all.push(Case {
                name: format!("{form}, {option}"),
                files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
                before: Vec::new(),
                words: words(&format!("install --no-compile {from} {typed} {more}")),
                shared: *shared,
                variables: Vec::new(),
                expect: Expect::Same,
            });
        }
    }
    all.extend(standing());
    all.extend(locks());
    all.extend(configured());
    all.extend(singles());
    all.extend(stricter());
    all.extend(wrong());
    all.extend(super::choices::choices());
    all.extend(super::telling::telling());
    all.extend(super::sources::sources());
    all
}

pub fn single(name: &str, files: &[(&str, &str)], before: &[&str], typed: &str, expect: Expect) -> Case {
    Case {
        name: name.to_owned(),
        files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        before: before.iter().map(|line| words(&format!("install --no-compile {LINKS} {line}"))).collect(),
        words: words(&format!("install --no-compile {LINKS} {typed}")),
        shared: false,
        variables: Vec::new(),
        expect,
    }
}

/// With something installed before.
fn standing() -> Vec<Case> {
    let files: &[(&str, &str)] = &[
        ("one.txt", "simple==1.0 {H:simple-1.0}\n"),
        ("two.txt", "simple==2.0 {H:simple-2.0-1}\n"),
        ("three.txt", "simple==3.0 {H:simple-3.0}\n"),
        ("closed.txt", "needs==1.0 {H:needs-1.0}\ndep==1.0 {H:dep-1.0}\n"),
        ("newer.txt", "needs==1.0 {H:needs-1.0}\ndep==2.0 {H:dep-2.0}\n"),
    ];
    let same = |name: &str, before: &[&str], typed: &str| single(name, files, before, typed, Expect::Same);
    let differs =
        |name: &str, before: &[&str], typed: &str| single(name, files, before, typed, Expect::Differs);
    let shared = |name: &str, before: &[&str], typed: &str, expect: Expect| Case {
        shared: true,
        ..single(name, files, before, typed, expect)
    };
    vec![
        same("again", &["-r one.txt"], "-r one.txt"),
        same("again, upgrade", &["-r one.txt"], "-U -r one.txt"),
        same("again, forced", &["-r one.txt"], "--force-reinstall -r one.txt"),
        same("again, dry", &["-r one.txt"], "--dry-run --report report.json -r one.txt"),
        same(
            "again, forced, dry",
            &["-r one.txt"],
            "--force-reinstall --dry-run --report report.json -r one.txt",
        ),
        same("upgrade", &["-r one.txt"], "-r two.txt"),
        same("upgrade, two steps", &["-r one.txt", "-r two.txt"], "-r three.txt"),
        same("upgrade, eager", &["-r one.txt"], "-U --upgrade-strategy eager -r two.txt"),
        same("downgrade", &["-r three.txt"], "-r one.txt"),
        same("downgrade, dry", &["-r three.txt"], "-r one.txt --dry-run --report report.json"),
        same("one of two changes", &["-r closed.txt"], "-r newer.txt"),
        same("none of two changes", &["-r closed.txt"], "-r closed.txt"),
        same("no-deps beside", &["-r one.txt"], "--no-deps -r closed.txt"),
        differs("target, again", &["--target {work}/t -r one.txt"], "--upgrade --target {work}/t -r one.txt"),
        differs(
            "target, upgrade",
            &["--target {work}/t -r one.txt"],
            "--upgrade --target {work}/t -r two.txt",
        ),
        same("prefix, other environment", &["-r one.txt"], "--prefix {work}/p -I -r two.txt"),
        shared("user, again", &["--user -r one.txt"], "--user -r one.txt", Expect::Same),
        shared("user, there in the environment", &["-r one.txt"], "--user -r one.txt", Expect::Same),
        shared("user, over the environment", &["-r one.txt"], "--user -I -r two.txt", Expect::Same),
        shared("user, behind the environment", &["-r one.txt"], "--user -r two.txt", Expect::BothRefuse),
        same(
            "again, from its address",
            &["file://{w:simple-1.0}#sha256={h:simple-1.0}"],
            "file://{w:simple-1.0}#sha256={h:simple-1.0}",
        ),
        same("root, again", &["--root {work}/root -r one.txt"], "--root {work}/root -I -r one.txt"),
    ]
}

/// A pylock.toml as installers write it.
const LOCK: &str = r#"lock-version = "1.0"
created-by = "a test"

[[packages]]
name = "simple"
version = "1.0"
wheels = [{ name = "simple-1.0-py3-none-any.whl", url = "{files}/{n:simple-1.0}", hashes = { sha256 = "{h:simple-1.0}" } }]

[[packages]]
name = "dep"
version = "1.0"
marker = "python_version < '3'"
wheels = [{ name = "dep-1.0-py3-none-any.whl", path = "../links/{n:dep-1.0}", hashes = { sha256 = "{h:dep-1.0}" } }]

[[packages]]
name = "mixed-case-name"
version = "1.0"
wheels = [{ name = "{n:mixed_case}", path = "../links/{n:mixed_case}", hashes = { sha256 = "{h:mixed_case}" } }]
"#;

/// Locks (PEP 751). pip warns that it finds them experimental.
fn locks() -> Vec<Case> {
    let files: &[(&str, &str)] = &[
        ("pylock.toml", LOCK),
        ("pylock.named.toml", LOCK),
        ("r.txt", "dep==2.0 {H:dep-2.0}\n"),
        ("one.txt", "simple==2.0 {H:simple-2.0-1}\n"),
    ];
    let same = |name: &str, before: &[&str], typed: &str| single(name, files, before, typed, Expect::Same);
    vec![
        same("lock", &[], "-r pylock.toml"),
        same("lock with a name", &[], "-r pylock.named.toml"),
        same("lock, target", &[], "-r pylock.toml --target {work}/t"),
        same("lock, prefix", &[], "-r pylock.toml --prefix {work}/p"),
        // With --no-index files come from --find-links alone, and the report names them there.
        single("lock, dry", files, &[], "-r pylock.toml --dry-run --report report.json", Expect::Differs),
        same("lock, no-deps", &[], "-r pylock.toml --no-deps"),
        same("lock and requirements", &[], "-r pylock.toml -r r.txt"),
        same("lock, again", &["-r pylock.toml"], "-r pylock.toml"),
        same("lock over another version", &["-r one.txt"], "-r pylock.toml"),
        same("lock at an address", &[], "-r file://{work}/pylock.toml"),
    ]
}

/// Variables and configuration files in place of options.
fn configured() -> Vec<Case> {
    let files: &[(&str, &str)] = &[
        ("r.txt", "simple==1.0 {H:simple-1.0}\n"),
        ("env/pip.conf", "[global]\nno-index = yes\n[install]\nfind-links =\n    {links}\n"),
        ("c.txt", "simple==1.0\n"),
    ];
    let with = |name: &str, variables: &[(&str, &str)], typed: &str, expect: Expect| Case {
        name: format!("configured: {name}"),
        files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        before: Vec::new(),
        words: words(&format!("install --no-compile {typed}")),
        shared: false,
        variables: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        expect,
    };
    let same =
        |name: &str, variables: &[(&str, &str)], typed: &str| with(name, variables, typed, Expect::Same);
    let links = ("PIP_FIND_LINKS", "{links}");
    let off = ("PIP_NO_INDEX", "1");
    vec![
        same("links and index", &[links, off], "-r r.txt"),
        same("index", &[("PIP_INDEX_URL", "{index}")], "-r r.txt"),
        same("requirement", &[links, off, ("PIP_REQUIREMENT", "r.txt")], ""),
        same("constraint", &[links, off, ("PIP_CONSTRAINT", "c.txt")], "-r r.txt"),
        same("target", &[links, off, ("PIP_TARGET", "{work}/t")], "-r r.txt"),
        same(
            "prefix beaten by an option",
            &[links, off, ("PIP_PREFIX", "{work}/p")],
            "-r r.txt --prefix {work}/q",
        ),
        same("quiet", &[links, off, ("PIP_QUIET", "1")], "-r r.txt"),
        same("quiet as a word", &[links, off, ("PIP_QUIET", "yes")], "-r r.txt"),
        same("dry run", &[links, off, ("PIP_DRY_RUN", "true")], "-r r.txt"),
        same("require hashes", &[links, off, ("PIP_REQUIRE_HASHES", "on")], "-r r.txt"),
        same("empty value", &[links, off, ("PIP_TARGET", "")], "-r r.txt"),
        same("unknown option", &[links, off, ("PIP_NO_SUCH_THING", "1")], "-r r.txt"),
        same("file of the environment", &[("PIP_CONFIG_FILE", "{work}/missing.conf")], "-r r.txt"),
        same("file that is named", &[("PIP_CONFIG_FILE", "{work}/env/pip.conf")], "-r r.txt"),
        same(
            "isolated",
            &[links, ("PIP_TARGET", "{work}/t")],
            "--isolated --no-index --find-links {links} -r r.txt",
        ),
        same("require-virtualenv", &[links, off, ("PIP_REQUIRE_VIRTUALENV", "1")], "-r r.txt"),
        with("no such word", &[("PIP_NO_INDEX", "perhaps")], "-r r.txt", Expect::BothRefuse),
        with("no such count", &[("PIP_QUIET", "perhaps")], "-r r.txt", Expect::BothRefuse),
        with("no such number", &[("PIP_RETRIES", "perhaps")], "-r r.txt", Expect::BothRefuse),
        with("no such choice", &[("PIP_PROGRESS_BAR", "perhaps")], "-r r.txt", Expect::BothRefuse),
    ]
}

fn singles() -> Vec<Case> {
    let same =
        |name: &str, files: &[(&str, &str)], typed: &str| single(name, files, &[], typed, Expect::Same);
    let one = "simple==1.0 {H:simple-1.0}\n";
    vec![
        same("empty file", &[("r.txt", "")], "-r r.txt"),
        same("comments alone", &[("r.txt", "# nothing\n\n   # here\n")], "-r r.txt"),
        same("byte order mark", &[("r.txt", "\u{feff}simple==1.0 {H:simple-1.0}\n")], "-r r.txt"),
        same("crlf", &[("r.txt", "simple==1.0 \\\r\n  {H:simple-1.0}\r\n")], "-r r.txt"),
        same("comment behind", &[("r.txt", "simple==1.0 {H:simple-1.0} # why\n")], "-r r.txt"),
        same("variable", &[("r.txt", "simple==${DIFF_VERSION} {H:simple-1.0}\n")], "-r r.txt"),
        same("several hashes", &[("r.txt", "simple==1.0 {H:simple-2.0} {H:simple-1.0}\n")], "-r r.txt"),
        same(
            "two lines of a name",
            &[("r.txt", "simple==1.0 {H:simple-1.0}\nsimple==1.0 {H:simple-1.0} {H:simple-2.0}\n")],
            "-r r.txt",
        ),
        same("hash as two words", &[("r.txt", "simple==1.0 --hash sha256:{h:simple-1.0}\n")], "-r r.txt"),
        same("two files", &[("a.txt", one), ("b.txt", "dep==1.0 {H:dep-1.0}\n")], "-r a.txt -r b.txt"),
        same(
            "two files of one name",
            &[("a.txt", one), ("b.txt", "simple==1.0 {H:simple-1.0} {H:simple-2.0}\n")],
            "-r a.txt -r b.txt",
        ),
        same("file address", &[("r.txt", one)], "-r file://{work}/r.txt"),
        same(
            "find-links in the file",
            &[("r.txt", "--find-links {links}\nsimple==1.0 {H:simple-1.0}\n")],
            "-r r.txt",
        ),
        same(
            "index in the file",
            &[("r.txt", "--index-url {index}\nsimple==1.0 {H:simple-1.0}\n")],
            "-r r.txt",
        ),
        same(
            "require-hashes in the file",
            &[("r.txt", "--require-hashes\nsimple==1.0 {H:simple-1.0}\n")],
            "-r r.txt",
        ),
        same(
            "only-binary in the file",
            &[("r.txt", "--only-binary :all:\nsimple==1.0 {H:simple-1.0}\n")],
            "-r r.txt",
        ),
        same("constraints in the file", &[("r.txt", "-c c.txt\nsimple\n"), ("c.txt", one)], "-r r.txt"),
        same("constraint that binds", &[("r.txt", one), ("c.txt", "simple<2\n")], "-r r.txt -c c.txt"),
        same("constraint of another", &[("r.txt", one), ("c.txt", "dep==1.0\n")], "-r r.txt -c c.txt"),
        same("typed path", &[], "{w:simple-1.0}#sha256={h:simple-1.0}"),
        same("typed address", &[], "file://{w:simple-1.0}#sha256={h:simple-1.0}"),
        same(
            "typed name with address",
            &[("r.txt", "simple @ {files}/{n:simple-1.0}#sha256={h:simple-1.0}\n")],
            "-r r.txt",
        ),
        same("prefix of an option", &[("r.txt", one)], "--require-h --requirem r.txt"),
        same("option with =", &[("r.txt", one)], "--requirement=r.txt"),
        same("short option with its value", &[("r.txt", one)], "-rr.txt"),
        same("options behind", &[("r.txt", one)], "-r r.txt --no-deps"),
        same(
            "ignored options",
            &[("r.txt", one)],
            "-r r.txt --no-cache-dir --disable-pip-version-check --no-input --no-color --progress-bar off --no-warn-script-location --root-user-action ignore --pre --prefer-binary --no-build-isolation --timeout 5 --retries 1",
        ),
        same(
            "group",
            &[("pyproject.toml", "[dependency-groups]\ntest = ['simple']\n"), ("c.txt", one)],
            "--group test -c c.txt",
        ),
        same(
            "group beside broken ones",
            &[
                ("pyproject.toml", "[dependency-groups]\ntest = ['simple']\nodd = ['x===', 3]\nother = 1\n"),
                ("c.txt", one),
            ],
            "--group test -c c.txt",
        ),
        same(
            "script",
            &[
                ("s.py", "# /// script\n# requires-python = '>=3'\n# dependencies = ['simple']\n# ///\n"),
                ("c.txt", one),
            ],
            "--requirements-from-script s.py -c c.txt",
        ),
        same(
            "group with path",
            &[("sub/pyproject.toml", "[dependency-groups]\ntest = ['simple']\n"), ("c.txt", one)],
            "--group sub/pyproject.toml:test -c c.txt",
        ),
        same(
            "platform",
            &[("r.txt", "plat==1.0 {H:plat-1.0-cp313-cp313-win_amd64}\n")],
            "--platform win_amd64 --only-binary :all: --target {work}/t -r r.txt",
        ),
        same(
            "platform, mac",
            &[("r.txt", "plat==1.0 {H:plat-1.0-cp312-abi3-mac}\n")],
            "--platform macosx_12_0_arm64 --python-version 3.13 --only-binary :all: --target {work}/t -r r.txt",
        ),
        same(
            "python version",
            &[("r.txt", one)],
            "--python-version 3.9 --only-binary :all: --target {work}/t -r r.txt",
        ),
        same("own platform", &[("r.txt", "plat==1.0 {H:plat-1.0-cp313-cp313-many}\n")], "-r r.txt"),
        same(
            "for another Python",
            &[("r.txt", "newer==1.0 {H:newer-1.0}\n")],
            "-r r.txt --ignore-requires-python",
        ),
        same("marked dependency", &[("r.txt", "marked==1.0 {H:marked-1.0}\n")], "-r r.txt"),
        same(
            "only dependencies",
            &[("r.txt", "needs==1.0 {H:needs-1.0}\ndep==1.0 {H:dep-1.0}\n")],
            "-r r.txt --dry-run",
        ),
        same("compile", &[("r.txt", one)], "--compile -r r.txt"),
        same(
            "constraint of another environment",
            &[("c.txt", "simple==1.0 {H:simple-1.0}\nsimple==2.0 ; python_version < '3'\n")],
            "simple -c c.txt",
        ),
        same(
            "constraint with a marker, its hash in another",
            &[("c.txt", "simple==1.0 ; python_version > '3'\nsimple==1.0 {H:simple-1.0}\n")],
            "simple -c c.txt",
        ),
        // pip takes no hash of a constraint for an address of one, and none of an address that only a dependency leads to.
        single(
            "address in a constraint, its hash in another",
            &[("c.txt", "simple @ file://{w:simple-1.0}\nsimple==1.0 {H:simple-1.0}\n")],
            &[],
            "simple -c c.txt",
            Expect::Taken,
        ),
        single(
            "address in a constraint of a dependency",
            &[("c.txt", "needs==1.0 {H:needs-1.0}\ndep @ file://{w:dep-1.0}#sha256={h:dep-1.0}\n")],
            &[],
            "needs -c c.txt",
            Expect::Taken,
        ),
        same(
            "constraints that contradict each other, of another package",
            &[(
                "c.txt",
                "simple==1.0 {H:simple-1.0}\ndep @ file://{w:dep-1.0}#sha256={h:dep-1.0}\ndep @ file://{w:dep-2.0}#sha256={h:dep-2.0}\n",
            )],
            "simple -c c.txt",
        ),
        same(
            "constraint for another platform, of another package",
            &[(
                "c.txt",
                "simple==1.0 {H:simple-1.0}\nplat @ file://{w:plat-1.0-cp313-cp313-win}#sha256={h:plat-1.0-cp313-cp313-win}\n",
            )],
            "simple -c c.txt",
        ),
        same(
            "python version of one part",
            &[("r.txt", one)],
            "--python-version 3 --platform nowhere --abi none --only-binary :all: --target {work}/t -r r.txt",
        ),
    ]
}
