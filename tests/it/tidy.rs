//! House rules, run as tests: they read the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pipward::error::Code;

use crate::support::run::{pipward, repository, scratch};
use crate::support::{loudly, offline};

/// A source file, with its tests cut off.
struct Source {
    /// `src/lock/pylock.rs`.
    path: String,
    text: String,
    /// What stands before `#[cfg(test)]`, without comments.
    product: String,
}

impl Source {
    /// The module right under the crate: `lock` for `src/lock/pylock.rs`.
    fn room(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
    }
}

fn sources(directory: &str) -> Vec<Source> {
    let mut found = Vec::new();
    read(&repository().join(directory), &mut found);
    assert!(!found.is_empty());
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn read(directory: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            // A file of tests, which its room includes under cfg(test), holds nothing of the product.
            let is_tests =
                path.ends_with("tests.rs") || path.parent().is_some_and(|parent| parent.ends_with("tests"));
            let product =
                if is_tests { "" } else { text.split("#[cfg(test)]\nmod ").next().unwrap_or_default() };
            let product: String = product.lines().filter(|line| !line.trim_start().starts_with("//")).fold(
                String::new(),
                |mut product, line| {
                    product.push_str(line);
                    product.push('\n');
                    product
                },
            );
            let path = path.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned();
            // A module of tests may have a file of its own.
            let product = if is_test(&path) { String::new() } else { product };
            found.push(Source { path, text, product });
        }
    }
}

/// Whether a whole file is tests.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn product_sources() -> Vec<Source> {
    sources("src").into_iter().chain(sources("resolver/src")).collect()
}

/// The text of all tests, those beside the product included.
pub fn test_sources() -> String {
    sources("src").into_iter().chain(sources("tests/it")).map(|source| source.text).collect()
}

#[track_caller]
fn none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

#[test]
fn each_file_opens_with_what_it_owns() {
    // The table of codes is included, so it cannot carry inner documentation.
    let excepted = ["src/error/table.rs"];
    let broken: Vec<_> = product_sources()
        .iter()
        .chain(&sources("tests"))
        .filter(|source| !source.text.starts_with("//!") && !excepted.contains(&source.path.as_str()))
        .map(|source| source.path.clone())
        .collect();
    none("these files do not open with //!", &broken);
}

#[test]
fn no_file_is_too_long_to_read() {
    let long = product_sources().into_iter().chain(sources("tests")).filter_map(|source| {
        let most = if is_test(&source.path) { 800 } else { 500 };
        let lines = source.text.lines().count();
        (lines > most).then(|| format!("{}: {lines} lines, of {most}", source.path))
    });
    none("these files are too long", &long.collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_to_do() {
    let broken: Vec<_> = product_sources()
        .iter()
        .filter(|source| ["todo!(", "unimplemented!("].iter().any(|left| source.product.contains(left)))
        .map(|source| source.path.clone())
        .collect();
    none("these files are unfinished", &broken);
}

/// The floors of the house. A module uses what lies on the floors below its own.
const FLOORS: &[&[&str]] = &[
    &["beside", "digest", "error", "memory", "room", "threads"],
    &["attest", "document", "imports", "pep508", "signature"],
    &["requirements", "lock", "verify", "wheel"],
    &["advisory", "audit", "cache", "fetch", "index", "inspect", "install", "policy", "python", "survey"],
    &["config"],
    &["way"],
    &["lab", "lessons"],
    &["cli"],
    &["main", "lib"],
];

/// The arrows that do not point down, each with its reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("beside", "memory", "pieces lie in pages of their own"),
    ("cache", "fetch", "the store hands out Unverified"),
    ("digest", "error", "a digest that cannot be read is a problem"),
    ("fetch", "cache", "it looks into the store before it asks the network"),
    ("fetch", "index", "one HTTP client serves pages and files"),
    ("index", "cache", "a file known by its hash alone may be in the store"),
    ("index", "fetch", "an index that gives no SHA-256 has its file fetched and hashed"),
    ("install", "python", "a plan is made for the scheme of an interpreter"),
    ("lock", "index", "a lock is built from the files that an index told of"),
    ("lock", "requirements", "a hashed requirements file is a lock"),
    ("python", "cache", "what an interpreter said is kept in the cache"),
    ("policy", "index", "rules name packages by the patterns of an index"),
    ("policy", "install", "what runs at the start is a matter of where a plan puts it"),
    ("threads", "error", "a limit of processes is a problem"),
    ("verify", "fetch", "it consumes Unverified, whose bytes nobody else may touch"),
    ("verify", "lock", "what was fetched is compared with what was locked"),
    ("wheel", "verify", "a wheel is read from verified bytes alone"),
];

/// The modules of the crate that `text` names.
fn used_modules(text: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut used = BTreeSet::new();
    for prefix in ["crate::", "pipward::"] {
        for (at, _) in text.match_indices(prefix) {
            let standalone = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let rest = &text[at + prefix.len()..];
            if !standalone {
                continue;
            }
            if let Some(group) = rest.strip_prefix('{') {
                let mut depth = 0;
                let mut start = true;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && c.is_alphabetic() => {
                            used.insert(word(&group[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            } else {
                used.insert(word(rest));
            }
        }
    }
    used.retain(|name| name.starts_with(|c: char| c.is_lowercase()));
    used
}

#[test]
fn arrows_point_down() {
    let floor = |name: &str| FLOORS.iter().position(|floor| floor.contains(&name));
    let mut broken = Vec::new();
    let mut needed = BTreeSet::new();
    for source in sources("src") {
        let room = source.room().to_owned();
        let Some(own) = floor(&room) else {
            broken.push(format!("{}: `{room}` is on no floor", source.path));
            continue;
        };
        for used in used_modules(&source.product) {
            if used == room {
                continue;
            }
            if EXCEPTIONS.iter().any(|(from, to, _)| *from == room && *to == used) {
                needed.insert((room.clone(), used));
                continue;
            }
            match floor(&used) {
                Some(floor) if floor < own => {}
                Some(_) => broken.push(format!("{}: `{room}` may not use `{used}`", source.path)),
                None => broken.push(format!("{}: `{used}` is on no floor", source.path)),
            }
        }
    }
    none("arrows that do not point down", &broken);
    let stale =
        EXCEPTIONS.iter().filter(|(from, to, _)| !needed.contains(&((*from).to_owned(), (*to).to_owned())));
    let stale: Vec<_> = stale.map(|(from, to, why)| format!("{from} -> {to}: {why}")).collect();
    none("exceptions that nothing needs any more", &stale);
}

#[test]
fn modules_are_found_in_any_spelling() {
    let text = "use crate::error::{Code, Place};\nuse crate::{cache, lock::{Lock, Location}, verify};\n\
                fn f() { crate::index::x(); my_crate::no(); $crate::also_not }";
    let expected = ["also_not", "cache", "error", "index", "lock", "verify"];
    assert_eq!(used_modules(text), expected.map(str::to_owned).into());
}

/// What touches the world, and who may. A path ends in `/` for a whole folder.
const WORLD: &[(&str, &[&str], &[&str])] = &[
    (
        "files",
        &["fs_err::", "std::fs::", "use std::fs;", "tempfile::", "memmap2::", "rustix::"],
        &[
            "src/cache.rs",
            "src/cache/",
            "src/cli/",
            "src/config.rs",
            "src/config/",
            "src/document.rs",
            "src/fetch/",
            "src/index/findlinks.rs",
            "src/inspect.rs",
            "src/inspect/",
            "src/install/",
            "src/lab/stage.rs",
            "src/memory.rs",
            "src/python.rs",
            "src/python/",
            "src/requirements/",
            "src/room.rs",
            "src/way/",
        ],
    ),
    (
        "other programs",
        &["std::process::", "Command::new"],
        &[
            "src/cli.rs",
            "src/index/http/keyring.rs",
            "src/lab/stage.rs",
            "src/main.rs",
            "src/python/",
            "src/way/review.rs",
        ],
    ),
    (
        "the environment",
        &["std::env::", "use std::env;"],
        &[
            "src/cli/render.rs",
            "src/config.rs",
            "src/fetch.rs",
            "src/fetch/",
            "src/index/http/credentials.rs",
            "src/index/http/keyring.rs",
            "src/index/http/proxy.rs",
            "src/lab/stage.rs",
            "src/main.rs",
            "src/memory.rs",
            "src/python/",
            "src/requirements.rs",
            "src/threads.rs",
        ],
    ),
    (
        "the network",
        &["reqwest::", "std::net::", "tokio::net::"],
        &["src/fetch.rs", "src/fetch/", "src/index/", "src/lab/index.rs"],
    ),
    (
        // Which are there, or not to be had, once `threads::share` was asked, by them or before them.
        "shared threads",
        &["rayon::"],
        &[
            "src/cache.rs",
            "src/inspect.rs",
            "src/install/held.rs",
            "src/install/stage.rs",
            "src/memory.rs",
            "src/threads.rs",
            "src/way/audit/places.rs",
            "src/way/install.rs",
            "src/way/install/download.rs",
            "src/way/install/unpack.rs",
            "src/way/provenance.rs",
            "src/way/unchanged.rs",
            "src/way/witness.rs",
        ],
    ),
    (
        "the clock",
        &["SystemTime::now", "Timestamp::now", "Zoned::now", "Instant::now"],
        &["src/cli/", "src/index/", "src/install/recover.rs", "src/python/probe/program.rs"],
    ),
];

#[test]
fn few_modules_touch_the_world() {
    let mut broken = Vec::new();
    for source in product_sources() {
        for (what, tokens, allowed) in WORLD {
            let may = allowed.iter().any(|allowed| {
                source.path == *allowed || (allowed.ends_with('/') && source.path.starts_with(allowed))
            });
            for token in tokens.iter().filter(|token| !may && source.product.contains(**token)) {
                broken.push(format!("{}: `{token}`: only others touch {what}", source.path));
            }
        }
    }
    none("modules that touch more of the world than they may", &broken);
}

/// What reaches a terminal goes through `render`, where `neutral` and its kin stand. (clap prints its help, and faults of a
/// command line that are plain text already.)
#[test]
fn one_module_prints() {
    const PRINTERS: [&str; 6] =
        ["println!(", "print!(", "io::stdout", "io::stderr", "/dev/tty", "error.print()"];
    let mut broken = Vec::new();
    for source in product_sources() {
        let allowed: &[&str] = match source.path.as_str() {
            "src/cli/render.rs" => &["io::stdout", "io::stderr"],
            "src/cli.rs" | "src/cli/pip.rs" => &["error.print()"],
            _ => &[],
        };
        let tokens = PRINTERS.iter().filter(|token| !allowed.contains(token));
        for token in tokens.filter(|token| source.product.contains(**token)) {
            broken.push(format!("{}: `{token}`: only render prints", source.path));
        }
    }
    none("modules that print", &broken);
}

/// clippy refuses these in the resolver (its own clippy.toml), and nothing there may allow them.
#[test]
fn the_resolver_is_without_a_world() {
    let rules = std::fs::read_to_string(repository().join("resolver/clippy.toml")).unwrap();
    let banned = [
        "std::fs::File",
        "std::fs::read",
        "std::fs::write",
        "std::net::TcpStream",
        "std::net::UdpSocket",
        "std::process::Command",
        "std::env::var",
        "std::env::args",
        "std::time::SystemTime",
        "std::time::Instant",
        "std::thread::sleep",
        "std::io::stdin",
        "std::io::stdout",
    ];
    let allowed = banned.iter().filter(|path| !rules.contains(&format!("path = \"{path}\"")));
    none(
        "what the resolver's clippy.toml does not ban",
        &allowed.map(ToString::to_string).collect::<Vec<_>>(),
    );
    let broken: Vec<_> = sources("resolver/src")
        .iter()
        .filter(|source| source.text.contains("clippy::disallowed"))
        .map(|source| source.path.clone())
        .collect();
    none("files of the resolver that allow what its clippy.toml bans", &broken);
}

/// ARCHITECTURE.md has one line for each file of the resolver, in an order to read them in.
#[test]
fn the_resolver_can_be_read_in_the_order_of_its_map() {
    let map = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let (_, map) = map.split_once("## The resolver in an afternoon").unwrap();
    let map = map.split("\n## ").next().unwrap();
    let named: BTreeSet<&str> = map.split('`').filter(|word| word.ends_with(".rs")).collect();
    let files = sources("resolver/src");
    let files: BTreeSet<&str> = files
        .iter()
        .filter(|source| !is_test(&source.path))
        .filter_map(|source| source.path.strip_prefix("resolver/src/"))
        .collect();
    let differing: Vec<String> = named.symmetric_difference(&files).map(ToString::to_string).collect();
    none("files of the resolver that are not in both, the house and the map", &differing);
}

/// Every option in a command of README.md is one of that command.
#[test]
fn the_commands_of_the_readme_have_their_options() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let mut broken = Vec::new();
    for command in readme.split('`').filter_map(|text| text.strip_prefix("pipward ")) {
        let mut words = command.split_whitespace();
        let name = words.next().unwrap_or_default().trim_end_matches(',');
        let help = pipward([name, "--help"]).run();
        let known = |option: &str| {
            help.stdout.contains(&format!("{option} ")) || help.stdout.contains(&format!("{option}\n"))
        };
        if help.code != Some(0) {
            broken.push(format!("pipward {name}: there is no such command"));
        }
        let options = words.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(','));
        broken
            .extend(options.filter(|option| !known(option)).map(|option| format!("pipward {name} {option}")));
    }
    none("commands of README.md that pipward does not know", &broken);
}

/// The example of a configuration in README.md is one, and names every key.
#[test]
fn the_configuration_of_the_readme_is_read() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let example = readme.split("```toml\n").nth(1).and_then(|text| text.split("```").next()).unwrap();
    let scratch = scratch();
    std::fs::write(scratch.path().join("pipward.toml"), example).unwrap();
    let settings = pipward::config::Settings::find(scratch.path()).unwrap();
    assert!(settings.resolution.is_some() && settings.uploaded_prior_to.is_some());
}

#[test]
fn no_unsafe_outside_its_one_place() {
    let unsafe_places: Vec<_> = product_sources()
        .iter()
        .filter(|source| source.product.contains("unsafe {") || source.product.contains("unsafe fn"))
        .map(|source| source.path.clone())
        .collect();
    assert!(unsafe_places.len() <= 1, "unsafe code in {unsafe_places:?}: one small module has it all");
}

#[test]
fn each_test_file_is_listed() {
    let list = std::fs::read_to_string(repository().join("tests/it/main.rs")).unwrap();
    let support = std::fs::read_to_string(repository().join("tests/it/support/mod.rs")).unwrap();
    let unlisted = sources("tests/it").into_iter().filter_map(|source| {
        let path = source.path.strip_prefix("tests/it/")?.strip_suffix(".rs")?.to_owned();
        let listed = match path.strip_prefix("support/") {
            Some(name) => name == "mod" || support.contains(&format!("mod {name};\n")),
            None => path == "main" || path.contains('/') || list.contains(&format!("mod {path};\n")),
        };
        (!listed).then_some(path)
    });
    none(
        "files of tests that main.rs does not list, so that none of them runs",
        &unlisted.collect::<Vec<_>>(),
    );
}

#[test]
fn codes_are_named_and_explained() {
    let mut names = BTreeSet::new();
    let mut broken = Vec::new();
    for code in Code::ALL {
        let name = code.name();
        let kebab = name.split('-').all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
        if !kebab {
            broken.push(format!("{name}: not kebab-case"));
        }
        if !names.insert(name) {
            broken.push(format!("{name}: twice"));
        }
        let told = code.explanation();
        let sentences = told.split_inclusive(['.', ';', ':']).filter(|part| part.trim().len() > 3).count();
        if sentences < 2 || told.len() < 60 {
            broken.push(format!("{name}: an explanation says why the rule exists and what to do"));
        }
        if !code.title().ends_with('.') || !told.ends_with('.') {
            broken.push(format!("{name}: title and explanation are sentences"));
        }
    }
    none("codes", &broken);
}

#[test]
fn each_code_is_raised_and_tested() {
    let product: String = product_sources()
        .into_iter()
        // These tell of codes that others raise.
        .filter(|source| source.path != "src/error/table.rs" && !["lab", "lessons"].contains(&source.room()))
        .map(|source| source.product)
        .collect();
    let mut tests: String = sources("tests")
        .into_iter()
        .filter(|source| !source.path.ends_with("tidy.rs"))
        .map(|s| s.text)
        .collect();
    for source in product_sources() {
        let inside = source.text.split_once("#[cfg(test)]\nmod ").map_or("", |(_, tests)| tests);
        let whole = source.path.ends_with("/tests.rs") || source.path.contains("/tests/");
        tests.push_str(if whole { &source.text } else { inside });
    }
    let (mut unraised, mut untested) = (Vec::new(), Vec::new());
    for code in Code::ALL {
        let variant = format!("Code::{code:?}");
        let named = |text: &str| {
            text.match_indices(&variant)
                .any(|(at, _)| !text[at + variant.len()..].starts_with(|c: char| c.is_alphanumeric()))
        };
        if !named(&product) {
            unraised.push(code.name().to_owned());
        }
        if !named(&tests) && !tests.contains(&format!("\"{}\"", code.name())) {
            untested.push(code.name().to_owned());
        }
    }
    none("codes that nothing raises", &unraised);
    none("codes that no test names", &untested);
}

#[test]
fn each_promise_has_its_tests() {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for source in product_sources().iter().chain(&sources("tests")) {
        for (at, found) in source.text.match_indices("fn promise_") {
            let digit = source.text[at + found.len()..].chars().next().and_then(|c| c.to_digit(10));
            let is_test = source.text[..at].trim_end().ends_with("#[test]");
            if let (Some(number), true) = (digit, is_test) {
                *counts.entry(number).or_default() += 1;
            }
        }
    }
    let numbers: Vec<_> = counts.keys().copied().collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7], "each promise of the design has tests: {counts:?}");
}

#[test]
fn manifests_give_a_reason_for_each_dependency() {
    let manifest = std::fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut broken = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.contains("dependencies]")
            && line.contains(" = ")
            && !line.contains(".workspace = true")
            && !line.contains(" #")
        {
            broken.push(line.to_owned());
        }
    }
    none("dependencies without a reason", &broken);
}

#[test]
fn offline_tests_are_told() {
    if !offline() {
        return;
    }
    let mut left_out = 0;
    for source in sources("tests") {
        // A test that needs PyPI asks `offline()` first, itself or in the `check` that it hands all to.
        let asks = source.text.matches("if offline() {").count();
        let shared = source.text.contains("\nfn check(") && asks == 1;
        left_out += if shared { source.text.matches("#[test]").count() } else { asks };
    }
    loudly(&format!("PIPWARD_TEST_OFFLINE: about {left_out} tests that need PyPI were left out"));
}
