//! The cases, by section of the catalogue.

use pipward::digest::Sha256;
use pipward::error::Code;

use super::{Case, Input};
use crate::support::tape::recorded;
use crate::support::wheels::WheelBuilder;
use crate::support::zips::Member;
use crate::{hostile_archive, wheel};

/// Tests whose wheels are tried here once more, with the row that they belong to.
pub const GROUPS: &[(&str, fn())] = &[
    ("A duplicate entries", hostile_archive::duplicates_are_refused),
    ("A local and central headers", hostile_archive::local_headers_that_differ_are_refused),
    ("A framing", hostile_archive::bytes_that_no_record_covers_are_refused),
    ("A end record", hostile_archive::end_records_that_lie_are_refused),
    ("A ZIP64", hostile_archive::zip64_records_that_lie_are_refused),
    ("A ZIP64", hostile_archive::zip64_fields_that_lie_are_refused),
    ("A local and central headers", hostile_archive::extra_fields_that_are_not_of_their_form_are_refused),
    ("A descriptors", hostile_archive::descriptors_that_lie_are_refused),
    ("A name encodings", hostile_archive::entries::a_second_name_is_refused),
    ("A flags and methods", hostile_archive::entries::flags_and_methods_that_wheels_do_not_have_are_refused),
    ("A overlap and bombs", hostile_archive::bombs_are_refused),
    ("A overlap and bombs", hostile_archive::data_that_lies_is_refused),
    ("B links", hostile_archive::entries::links_and_devices_are_refused),
    ("C METADATA and WHEEL", wheel::metadata_fits_the_file_name),
    ("C METADATA and WHEEL", wheel::wheel_files_are_read_strictly),
    ("C RECORD", wheel::record_lists_what_is_there),
    ("D scheme keys", wheel::data_directories_have_known_schemes),
    ("D files of the installer", wheel::what_installers_own_is_refused),
];

/// A password that stands in some of the locks, and is never to be told.
pub const PASSWORD: &str = "geheim";

/// All of them.
pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    for (row, group) in GROUPS {
        for case in recorded(*group) {
            let Err(code) = case.expected else { continue };
            all.push(Case {
                row,
                what: case.what,
                code,
                input: Input::Wheels(vec![(case.name, case.bytes)]),
            });
        }
    }
    for case in recorded(hostile_archive::entries::names_that_lie_are_refused) {
        let Err(code) = case.expected else { continue };
        let row = row_of_name(&case.what);
        all.push(Case { row, what: case.what, code, input: Input::Wheels(vec![(case.name, case.bytes)]) });
    }
    all.extend(no_wheels());
    all.extend(identities());
    all.extend(environments());
    all.extend(startup());
    all.extend(super::startup::cases());
    all.extend(super::programs::cases());
    all.extend(super::loaded::cases());
    all.extend(entry_points());
    all.extend(locks());
    all
}

fn row_of_name(what: &str) -> &'static str {
    match what {
        what if what.contains("..") || what.contains("elsewhere") => "B traversal",
        what if what.starts_with('/') => "B absolute",
        what if what.contains('\\') || what.contains(':') => "B Windows",
        what if what.contains("too long") => "B length",
        _ => "A name encodings",
    }
}

/// An honest wheel.
pub fn pear() -> (String, Vec<u8>) {
    WheelBuilder::new("pear", "1.0").file("pear.py", "shape = 'odd'\n").build()
}

fn case(row: &'static str, what: &str, code: Code, wheel: (String, Vec<u8>)) -> Case {
    Case { row, what: what.to_owned(), code, input: Input::Wheels(vec![wheel]) }
}

fn bad() -> WheelBuilder {
    WheelBuilder::new("bad", "1.0").file("bad/__init__.py", "x = 1\n")
}

fn no_wheels() -> Vec<Case> {
    let name = bad().file_name();
    let whole = bad().build().1;
    let no =
        |what: &str, code, bytes: &[u8]| case("A not a wheel", what, code, (name.clone(), bytes.to_vec()));
    vec![
        no("nothing", Code::ArchiveNotZip, b""),
        no("an error page", Code::ArchiveNotZip, b"<!DOCTYPE html><title>503</title>"),
        no("a gzip", Code::ArchiveNotZip, b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
        no("a cut", Code::ArchiveFraming, &whole[..whole.len() / 2]),
        no("an empty archive", Code::DistInfo, &crate::support::zips::Zip::default().bytes()),
        no("zeros before an archive", Code::ArchiveFraming, &[&[0; 1024], &whole[..]].concat()),
    ]
}

fn identities() -> Vec<Case> {
    let with = |what: &str, change: &dyn Fn(&mut crate::support::zips::Zip)| {
        let mut zip = bad().zip();
        change(&mut zip);
        case("C dist-info", what, Code::DistInfo, (bad().file_name(), zip.bytes()))
    };
    let mut all = vec![
        with("none", &|zip| {
            zip.members.retain(|member| !member.central.name.starts_with(b"bad-1.0.dist-info"));
        }),
        with("two", &|zip| zip.members.push(Member::stored("other-1.0.dist-info/METADATA", b""))),
        with("two by case", &|zip| zip.members.push(Member::stored("BAD-1.0.DIST-INFO/METADATA", b""))),
        with("an empty one", &|zip| zip.members.push(Member::directory("other-1.0.dist-info/"))),
    ];
    for name in ["bad-1.1", "bads-1.0", "bad_more-1.0", "bad", ""] {
        all.push(with(name, &|zip| {
            for member in &mut zip.members {
                member.both(|header| {
                    let path = String::from_utf8(header.name.clone()).unwrap();
                    header.name = path.replacen("bad-1.0.dist", &format!("{name}.dist"), 1).into_bytes();
                });
            }
        }));
    }
    all
}

fn environments() -> Vec<Case> {
    let mut all = Vec::new();
    for (key, path) in [("scripts", "x"), ("data", "etc/x"), ("purelib", "x.py")] {
        let wheel = bad().file(&format!("other-9.9.data/{key}/{path}"), "").build();
        all.push(case("D foreign data", key, Code::SchemeUnknown, wheel));
    }
    for path in [
        "pyvenv.cfg",
        "PyVenv.cfg",
        "bin/python",
        "bin/Python3",
        "bin/activate",
        "lib64/x",
        ".pipward/x",
        "bin",
        "bin/python._pth",
        "bin/pyvenv.cfg",
        "python311._pth",
        "pip.conf",
        "PIP.ini",
        "bin/pybuilddir.txt",
        "bin/Modules/Setup.local",
    ] {
        let wheel = bad().data("data", path, "x").build();
        all.push(case("D interpreter and configuration", path, Code::EnvironmentOwned, wheel));
    }
    for name in ["python", "python3", "PYTHON", "activate", "Activate.ps1", "python3.11._pth", "pyvenv.cfg"] {
        let wheel = bad().data_script(name, "x").build();
        all.push(case("D interpreter and configuration", name, Code::EnvironmentOwned, wheel));
    }
    let python = crate::support::pythons::any_python();
    let library = format!("lib/python{}/site-packages", python.version);
    let door = |what: &str, code, builder: WheelBuilder| case("D back doors", what, code, builder.build());
    all.extend([
        door(
            "data to the modules",
            Code::SchemeCrossing,
            bad().data("data", &format!("{library}/x.pth"), ""),
        ),
        door(
            "data to a module",
            Code::SchemeCrossing,
            bad().data("data", &format!("{library}/bad/y.py"), ""),
        ),
        door(
            "data to another Python",
            Code::SchemeCrossing,
            bad().data("data", "lib/python3.1/site-packages/x.pth", "import os\n"),
        ),
        door("another's metadata", Code::DistInfo, bad().data("purelib", "apple-1.0.dist-info/x", "")),
        door("its own metadata", Code::DistInfo, bad().data("purelib", "bad-1.0.dist-info/x", "")),
        door("a place twice", Code::FileConflict, bad().data("purelib", "bad/__init__.py", "other")),
        door("a file as directory", Code::FileConflict, bad().data("purelib", "bad", "")),
        door(
            "a script twice",
            Code::FileConflict,
            bad().data("data", "bin/tool", "x").data_script("tool", "y"),
        ),
    ]);
    let conflict =
        |what: &str, builder: WheelBuilder| case("D conflicts", what, Code::FileConflict, builder.build());
    all.extend([
        conflict("another's module", bad().file("apple/__init__.py", "evil = 1\n")),
        conflict("another's script", bad().data_script("apple", "evil")),
        conflict("another's entry point", bad().entry_points("[console_scripts]\napple = bad:main\n")),
        conflict("a file for a package", bad().file("apple", "evil")),
    ]);
    for file in [
        "apple.py",
        "apple.pyc",
        "apple.cpython-312-x86_64-linux-gnu.so",
        "apple/__init__.abi3.so",
        "apple/core.so",
        "apple/core/__init__.py",
        "apple/core/__init__.pyc",
    ] {
        all.push(conflict(
            &format!("another file for a module of another: {file}"),
            bad().file(file, "evil"),
        ));
    }
    all.extend(
        [("pear.py", "pear/__init__.py"), ("pear.so", "pear.py"), ("pear/__init__.py", "pear/__init__.so")]
            .map(|(one, other)| Case {
                row: "D conflicts",
                what: format!("two wheels of one run: {one} and {other}"),
                code: Code::FileConflict,
                input: Input::Wheels(vec![
                    WheelBuilder::new("one", "1.0").file(one, "").build(),
                    WheelBuilder::new("two", "1.0").file(other, "").build(),
                ]),
            }),
    );
    let twins = ["one", "two"].map(|name| {
        WheelBuilder::new(name, "1.0").file("shared/__init__.py", format!("of = '{name}'\n")).build()
    });
    all.push(Case {
        row: "D conflicts",
        what: "two wheels of one run".to_owned(),
        code: Code::FileConflict,
        input: Input::Wheels(twins.to_vec()),
    });
    let mut many: Vec<_> = (0..10)
        .map(|at| {
            WheelBuilder::new(&format!("fine{at}"), "1.0").file(&format!("fine{at}.py"), "x = 1\n").build()
        })
        .collect();
    many.insert(5, bad().file("../evil.py", "").build());
    all.push(Case {
        row: "H a refused wheel among others",
        what: "the sixth of eleven".to_owned(),
        code: Code::ArchiveName,
        input: Input::Wheels(many),
    });
    all
}

/// Start-up code: file and content.
pub const STARTUP: &[(&str, &str)] = &[
    ("evil.pth", "import os\n"),
    ("Evil.PTH", "import\tos\n"),
    ("evil.pth", "\u{feff}import os"),
    ("evil.pth", "bad\rimport os"),
    (".pth", "import os\n"),
    (".start", "bad:main\n"),
    ("evil.pth", "/tmp\n"),
    ("evil.pth", "../../../../elsewhere\n"),
    ("evil.pth", "a\0b\n"),
    ("distutils-precedence.pth", "import os; var = 'SETUPTOOLS_USE_DISTUTILS'\n"),
    ("evil.start", "bad:main\n"),
    ("sitecustomize.py", ""),
    ("sitecustomize/__init__.py", ""),
    ("usercustomize.py", ""),
    ("usercustomize.cpython-313-x86_64-linux-gnu.so", "\x7fELF"),
    ("bad/__pycache__/__init__.cpython-313.pyc", "evil"),
    ("__pycache__/apple.cpython-313.pyc", "evil"),
];

fn startup() -> Vec<Case> {
    let mut all: Vec<Case> = STARTUP
        .iter()
        .map(|(path, text)| {
            let what = format!("{path} {text:?}");
            case("D start-up code", &what, Code::StartupCode, bad().file(path, text).build())
        })
        .collect();
    for scheme in ["purelib", "platlib"] {
        let wheel = bad().data(scheme, "evil.pth", "import os\n").build();
        all.push(case("D start-up code", scheme, Code::StartupCode, wheel));
    }
    all
}

fn entry_points() -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |row, text: &str| {
        all.push(case(row, text, Code::EntryPoints, bad().entry_points(text).build()));
    };
    for name in ["../x", "/x", "a/b", "a\\b", ".", "..", "a b", "a\u{202e}b", ""] {
        add("E names", &format!("[console_scripts]\n{name} = bad:f\n"));
    }
    for value in [
        "bad:f()",
        "bad; import os:f",
        "bad:f;x",
        "bad",
        "bad:",
        ":f",
        "bad:f\n  + evil",
        "1bad:f",
        "bad:f.1",
        "bad:f#x",
    ] {
        add("E values", &format!("[console_scripts]\nx = {value}\n"));
    }
    for text in [
        "x = bad:f\n",
        "[console_scripts\nx = bad:f\n",
        "[console_scripts]\nx = bad:f\nx = bad:g\n",
        "[console_scripts]\nx : bad:f\n",
        "[console_scripts]\nx = bad:f\n  more\n",
    ] {
        add("E file", text);
    }
    for name in ["python", "activate"] {
        let wheel = bad().entry_points(&format!("[console_scripts]\n{name} = bad:f\n")).build();
        all.push(case("D interpreter and configuration", name, Code::EnvironmentOwned, wheel));
    }
    all
}

/// A lock of pear, in which `key` is replaced, or which is changed otherwise.
fn locks() -> Vec<Case> {
    let (name, bytes) = pear();
    let sha256 = Sha256::of(&bytes).to_string();
    let hashes = format!("hashes = {{ sha256 = \"{sha256}\" }}");
    let file = format!("path = \"{name}\", size = {}, {hashes}", bytes.len());
    let package = format!("[[packages]]\nname = \"pear\"\nversion = \"1.0\"\nwheels = [{{ {file} }}]\n");
    let head = "lock-version = \"1.0\"\ncreated-by = \"a test\"\n";
    let honest = format!("{head}{package}");
    let mut all = Vec::new();
    let mut add = |row, what: &str, code, text: String| {
        assert_ne!(text, honest, "{what}");
        all.push(Case { row, what: what.to_owned(), code, input: Input::Lock(text.into_bytes()) });
    };
    let put = |from: &str, to: &str| honest.replace(from, to);
    add("G tampered", "version 2", Code::LockVersion, put("\"1.0\"\ncreated", "\"2.0\"\ncreated"));
    add("G tampered", "no version", Code::LockSchema, put("lock-version = \"1.0\"\n", ""));
    add("G tampered", "a merge", Code::LockSyntax, put("[[packages]]", "<<<<<<< HEAD\n[[packages]]"));
    add("G tampered", "a package twice", Code::DuplicatePackage, format!("{honest}{package}"));
    add(
        "G tampered",
        "a wheel twice",
        Code::LockSchema,
        put(&format!("{{ {file} }}"), &format!("{{ {file} }}, {{ {file} }}")),
    );
    add(
        "G tampered",
        "a key twice",
        Code::LockSyntax,
        put("name = \"pear\"", "name = \"pear\"\nname = \"pear\""),
    );
    add("G without packages", "none", Code::LockSchema, head.to_owned());
    add("G hashes", "none", Code::HashMissing, put(&hashes, "hashes = {}"));
    add(
        "G hashes",
        "md5",
        Code::HashWeak,
        put(&hashes, "hashes = { md5 = \"d41d8cd98f00b204e9800998ecf8427e\" }"),
    );
    add(
        "G hashes",
        "sha1",
        Code::HashWeak,
        put(&hashes, "hashes = { sha1 = \"da39a3ee5e6b4b0d3255bfef95601890afd80709\" }"),
    );
    add("G hashes", "short", Code::HashMalformed, put(&sha256, &sha256[1..]));
    add("G hashes", "no hex", Code::HashMalformed, put(&sha256, &"g".repeat(64)));
    add("G hashes", "another", Code::HashMismatch, put(&sha256, &Sha256::of(b"x").to_string()));
    add(
        "G hashes",
        "one of two wrong",
        Code::HashMismatch,
        put(&hashes, &format!("hashes = {{ sha256 = \"{sha256}\", sha512 = \"{}\" }}", "0".repeat(128))),
    );
    add(
        "G artifact missing",
        "another platform",
        Code::NoMatchingWheel,
        put("py3-none-any", "cp27-cp27m-win32"),
    );
    add(
        "G artifact missing",
        "a file that is gone",
        Code::FileNotFound,
        put("py3-none-any", "py2.py3-none-any"),
    );
    for address in [
        "file:///etc/passwd",
        "ftp://x/pear-1.0-py3-none-any.whl",
        "data:,x",
        "https://user:geheim@x/pear-1.0-py3-none-any.whl",
        "//user:geheim@x/pear-1.0-py3-none-any.whl",
        "user:geheim@x/pear-1.0-py3-none-any.whl",
        "https:user:geheim@[/pear-1.0-py3-none-any.whl",
        "ftp://user:geheim@x/pear-1.0-py3-none-any.whl",
        "javascript:x",
        "https://x\\\\@y/pear-1.0-py3-none-any.whl",
    ] {
        add(
            "G addresses",
            address,
            Code::AddressRefused,
            put(&format!("path = \"{name}\""), &format!("url = \"{address}\"")),
        );
    }
    add("G paths and names", "a backslash", Code::LockSchema, put(&name, "a\\\\b.whl"));
    for path in ["pear-1.0.whl", "..", "x/pear-1.0-py3-none-any.whl/.."] {
        add(
            "G paths and names",
            path,
            Code::WheelName,
            put(&format!("path = \"{name}\""), &format!("path = \"{path}\"")),
        );
    }
    add(
        "G paths and names",
        "a name that leads out",
        Code::WheelName,
        put("path =", "name = \"../pear-1.0-py3-none-any.whl\", path ="),
    );
    add("G three names", "another project", Code::WheelName, put("name = \"pear\"", "name = \"plum\""));
    add(
        "G three names",
        "another version",
        Code::WheelName,
        put("version = \"1.0\"\nwheels", "version = \"1.1\"\nwheels"),
    );
    add("G size", "smaller", Code::SizeMismatch, put(&format!("size = {}", bytes.len()), "size = 1"));
    add("G size", "larger", Code::SizeMismatch, put(&format!("size = {}", bytes.len()), "size = 99999"));
    add("G size", "negative", Code::LockSchema, put(&format!("size = {}", bytes.len()), "size = -1"));
    add(
        "G numbers, depth, encoding",
        "a huge number",
        Code::LockSchema,
        put(&format!("size = {}", bytes.len()), &format!("size = {}", "9".repeat(400))),
    );
    add(
        "G numbers, depth, encoding",
        "depth",
        Code::LockSyntax,
        format!("{honest}x = {}\n", "[".repeat(100_000)),
    );
    add("G numbers, depth, encoding", "NUL", Code::LockSyntax, put("created-by", "\0created-by"));
    let vcs = |text: &str| put(&format!("version = \"1.0\"\nwheels = [{{ {file} }}]"), text);
    add(
        "G VCS and directories",
        "a commit",
        Code::RequirementUnsupported,
        vcs(&format!(
            "vcs = {{ type = \"git\", url = \"https://example.org/x\", commit-id = \"{}\" }}",
            "a".repeat(40)
        )),
    );
    add(
        "G VCS and directories",
        "an option",
        Code::RequirementUnsupported,
        vcs("vcs = { type = \"git\", url = \"https://example.org/x\", commit-id = \"--upload-pack=evil\" }"),
    );
    add(
        "G VCS and directories",
        "a directory",
        Code::RequirementUnsupported,
        vcs("directory = { path = \".\" }"),
    );
    add(
        "G injected requirements",
        "a marker",
        Code::LockSchema,
        put(
            "version = \"1.0\"\nwheels",
            "version = \"1.0\"\nmarker = \"x' --index-url=http://evil\"\nwheels",
        ),
    );
    add(
        "G injected requirements",
        "a name",
        Code::LockSchema,
        put("name = \"pear\"", "name = \"pear --index-url=http://evil\""),
    );
    let mut latin = honest.clone().into_bytes();
    latin.extend(b"# \xff\n");
    all.push(Case {
        row: "G numbers, depth, encoding",
        what: "not UTF-8".to_owned(),
        code: Code::LockSyntax,
        input: Input::Lock(latin),
    });
    all
}
