//! Requirements files against pip's own parser: generated ones, and what each side makes of them.
//!
//! One Python process reads all of them with `pip._internal.req.req_file`. What both take has the same lines,
//! requirements and hashes; what pip refuses is refused; what pipward alone refuses is one of the stricter rules.

use std::path::Path;

use pipward::error::Code;
use pipward::requirements::{self, FileRequirement};
use serde_json::Value;

use crate::support::peers::peers;
use crate::support::run::scratch;
use crate::support::{long, offline};

const SCRIPT: &str = r#"
import json, os, pathlib, re, sys
sys.argv = ["pip"]
from pip._internal.req.req_file import parse_requirements
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_parsed_requirement
import logging
logging.disable(logging.CRITICAL)
root = pathlib.Path(os.environ["FILES"])
os.environ["SET"] = "1.0"
os.environ["EMPTY"] = ""
session = PipSession()
answers = {}
devnull = os.open(os.devnull, os.O_WRONLY)
os.dup2(devnull, 2)
for path in sorted(root.glob("*.txt")):
    try:
        found = []
        for parsed in parse_requirements(str(path), session=session):
            req = install_req_from_parsed_requirement(parsed)
            hashes = sorted(
                f"{kind}:{value.lower()}" for kind, values in (req.hash_options or {}).items() for value in values
            )
            found.append({
                "line": int(parsed.line_source.split()[1]),
                "constraint": parsed.constraint,
                "name": re.sub(r"[-_.]+", "-", req.name or "").lower(),
                "specifier": sorted(str(s) for s in req.req.specifier) if req.req else [],
                "extras": sorted(e.lower().replace("_", "-").replace(".", "-") for e in req.extras),
                "url": bool(req.link),
                "hashes": hashes,
            })
        answers[path.name] = found
    except BaseException as error:
        answers[path.name] = f"{type(error).__name__}: {error}"[:300]
sys.stdout.write(json.dumps(answers))
"#;

/// What pipward refuses of its own, by code.
const STRICTER: &[Code] = &[
    Code::OptionRefused,
    Code::RequirementUnsupported,
    Code::HashWeak,
    Code::HashMalformed,
    Code::AddressRefused,
    Code::WheelName,
];

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

fn file(numbers: &mut Numbers) -> Vec<u8> {
    let mut text = String::new();
    if numbers.below(12) == 0 {
        text.push('\u{feff}');
    }
    if numbers.below(15) == 0 {
        text.push_str("# -*- coding: utf-8 -*-\n");
    }
    for _ in 0..=numbers.below(5) {
        text.push_str(&line(numbers));
        text.push_str(numbers.pick(&["\n", "\n", "\n", "\r\n", "\n\n", "\r", "\u{2028}", "\u{c}"]));
    }
    text.into_bytes()
}

/// Mostly a right one, else one of the wrong ones too.
fn mostly<'a>(numbers: &mut Numbers, right: &[&'a str], wrong: &[&'a str]) -> &'a str {
    if numbers.below(25) == 0 { numbers.pick(wrong) } else { numbers.pick(right) }
}

fn line(numbers: &mut Numbers) -> String {
    match numbers.below(10) {
        0 => numbers.pick(&["", "   ", "# comment", "  # comment \\", "\t#x", "\\", "a\\"]).to_owned(),
        1 => mostly(
            numbers,
            &[
                "--pre",
                "--no-index",
                "-i https://index.example/simple",
                "--index-url=https://index.example/simple",
                "--extra-index-url https://more.example/simple",
                "-f links",
                "--find-links=./links",
                "--require-hashes",
                "--only-binary :all:",
                "--prefer-binary",
                "--no-in",
                "-c other.req",
                "-r other.req",
                "-rother.req",
                "--requirement 'other.req'",
                "--no-binary :none:",
            ],
            &[
                "--bogus",
                "--pre=1",
                "-r missing.req",
                "--trusted-host x",
                "--no-require-hashes",
                "--hash=sha256:00",
                "--index-url",
                "-x",
            ],
        )
        .to_owned(),
        _ => requirement(numbers),
    }
}

fn requirement(numbers: &mut Numbers) -> String {
    let mut text = String::from(numbers.pick(&["", "", "", " ", "\t"]));
    text.push_str(mostly(numbers, &["simple", "Some.Name", "a_b", "x"], &["n\u{e4}me", "-", "a b"]));
    text.push_str(mostly(numbers, &["", "", "[e]", "[e,F_g]", " [ e ]"], &["[e", "[]", "[e,]"]));
    text.push_str(mostly(
        numbers,
        &[
            "==1.0",
            "==1.0",
            "== 1.0",
            "==1.0.*",
            ">=1,<2",
            "",
            "~=1.0",
            "!=1",
            "==${SET}",
            "==1!2.0+local",
            "==1.0.dev1",
            "==1.0 #c",
        ],
        &[
            "===weird",
            "==${UNSET}",
            "==${EMPTY}",
            "=1",
            "==1.0#c",
            " @ https://files.example/simple-1.0-py3-none-any.whl",
        ],
    ));
    text.push_str(mostly(
        numbers,
        &[
            "",
            "",
            "",
            " ; python_version >= '3'",
            "; sys_platform == 'linux' and extra == 'x'",
            " ; os_name == \"a b\"",
        ],
        &[";", " ; bogus"],
    ));
    for _ in 0..numbers.below(3) {
        text.push_str(mostly(numbers, &[" ", "  ", " \\\n    ", " \\\r\n  "], &["\t", " \\ \n"]));
        let hex = "ab".repeat(32);
        let option = match numbers.below(8) {
            0 => format!("--hash=sha256:{}", hex.to_uppercase()),
            1 => format!("--hash sha256:{hex}"),
            2 => format!("--hash=sha512:{}", "cd".repeat(64)),
            3 => mostly(numbers, &["--hash=sha256:"], &["--hash=md5:00", "--hash=nonsense"])
                .replace("6:", &format!("6:{hex}")),
            4 => format!("'--hash=sha256:{hex}'"),
            5 => "--config-settings x=y".to_owned(),
            _ => format!("--hash=sha256:{hex}"),
        };
        text.push_str(&option);
    }
    text.push_str(numbers.pick(&["", "", "", " # comment", "# no comment", " \\", "   "]));
    text
}

/// Both sides in one form.
fn ours(requirement: &FileRequirement, constraint: bool) -> Value {
    let parsed = &requirement.requirement;
    let mut hashes: Vec<String> = requirement.hashes.iter().map(ToString::to_string).collect();
    hashes.sort();
    let mut extras: Vec<String> = parsed.extras.iter().map(ToString::to_string).collect();
    extras.sort();
    extras.dedup();
    let is_url = matches!(parsed.version_or_url, Some(pep508_rs::VersionOrUrl::Url(_)));
    let specifier: Vec<String> = match &parsed.version_or_url {
        Some(pep508_rs::VersionOrUrl::VersionSpecifier(all)) => {
            let mut all: Vec<String> = all.iter().map(|one| one.to_string().replace(' ', "")).collect();
            all.sort();
            all
        }
        _ => Vec::new(),
    };
    serde_json::json!({
        "line": requirement.place.line,
        "constraint": constraint,
        "name": parsed.name.to_string(),
        "specifier": specifier,
        "extras": extras,
        "url": is_url,
        "hashes": hashes,
    })
}

fn read(path: &Path) -> Result<Vec<Value>, Vec<Code>> {
    let variable = |name: &str| match name {
        "SET" => Some("1.0".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let read = requirements::read_with(path, &variable)
        .map_err(|problems| problems.iter().map(pipward::error::Problem::code).collect::<Vec<_>>())?;
    let all = || read.requirements.iter().chain(&read.constraints);
    let weak: Vec<Code> =
        all().flat_map(|one| one.hash_problems.iter().map(pipward::error::Problem::code)).collect();
    if !weak.is_empty() {
        return Err(weak);
    }
    let constraints = read.constraints.iter().map(|one| ours(one, true));
    Ok(read.requirements.iter().map(|one| ours(one, false)).chain(constraints).collect())
}

#[test]
fn generated_files_are_read_as_pip_reads_them() {
    if offline() {
        return; // pip itself comes from PyPI
    }
    let scratch = scratch();
    let files = scratch.path();
    std::fs::write(files.join("other.req"), "other==2.0\n").unwrap();
    let mut numbers = Numbers(0x5eed_1234_abcd_ef01);
    let count = if long() { 20_000 } else { 1500 };
    for at in 0..count {
        std::fs::write(files.join(format!("{at:05}.txt")), file(&mut numbers)).unwrap();
    }
    let told = crate::support::run::Run::new(peers().python())
        .args(["-B", "-c", SCRIPT])
        .env("FILES", files)
        .dir(files)
        .run()
        .ok();
    let pip: serde_json::Map<String, Value> = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(pip.len(), count);
    let (mut both, mut neither, mut stricter, mut broken) = (0, 0, 0, Vec::new());
    for (name, theirs) in &pip {
        let path = files.join(name);
        let text = || String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        match (read(&path), theirs.as_array()) {
            (Ok(ours), Some(theirs)) => {
                both += 1;
                let sorted = |all: &[Value]| {
                    let mut all: Vec<String> = all.iter().map(ToString::to_string).collect();
                    all.sort();
                    all
                };
                if sorted(&ours) != sorted(theirs) {
                    broken.push(format!("{:?}\n  pip     {theirs:?}\n  pipward {ours:?}", text()));
                }
            }
            (Err(_), None) => neither += 1,
            (Err(codes), Some(theirs)) => {
                stricter += 1;
                if !codes.iter().any(|code| STRICTER.contains(code)) && !is_stricter(&text()) {
                    broken.push(format!("{:?}\n  pip     {theirs:?}\n  pipward {codes:?}", text()));
                }
            }
            (Ok(ours), None) => {
                broken.push(format!("{:?}\n  pip     {theirs}\n  pipward {ours:?}", text()));
            }
        }
    }
    crate::support::loudly(&format!(
        "requirements: {both} read alike, {neither} refused by both, {stricter} by pipward alone"
    ));
    assert!(both > count / 20, "only {both} were read by both");
    let shown: Vec<String> = broken.iter().take(15).cloned().collect();
    assert!(broken.is_empty(), "{} of {count} differ:\n{}", broken.len(), shown.join("\n"));
}

/// What pip passes over in silence and pipward calls a fault of grammar: a hash without a requirement, words among options
/// (a requirement that a continuation swallowed, a comment without a space before it), a marker that is empty, and a
/// version that is none.
fn is_stricter(text: &str) -> bool {
    let ends = ['\n', '\r', '\u{c}', '\u{2028}'];
    let lines: Vec<&str> = text.split(ends).collect();
    let swallows = lines.windows(2).any(|pair| {
        pair[0].ends_with('\\') && !pair[1].trim().is_empty() && !pair[1].trim_start().starts_with("--hash")
    });
    let swallows = swallows || lines.windows(3).any(|three| three[0].ends_with('\\') && three[1].is_empty());
    let within = lines.iter().any(|line| {
        let before = line.split(" #").next().unwrap_or_default().trim_end();
        line.trim_start().starts_with("--hash")
            || before.ends_with(';')
            || before.contains("; \\")
            || before.contains("===")
            || line.contains("# no comment")
            || before.trim_end_matches('\\').contains('\\')
            || before.trim_start_matches(['\u{feff}', ' ', '\t']).starts_with("- ")
            || line.trim_matches(['\u{feff}', ' ', '\t']) == "-"
            // Within an address, `;` without white space before it is part of the address.
            || before.contains(".whl;")
            || before.contains("; -")
            || before.contains(";  -")
    });
    swallows || within
}
