//! One body a target: what must hold for any bytes. A body panics where it does not.

use std::cell::RefCell;
use std::path::Path;
use std::sync::LazyLock;

use pipward::digest::{LockedHashes, Sha256};
use pipward::error::{Place, Problem, Problems};
use pipward::fetch::Unverified;
use pipward::index::{PageForm, read_metadata, read_page};
use pipward::lock::{Location, LockedFile, LockedSource, SelectRequest};
use pipward::pep508::{self, Strictness};
use pipward::verify::VerifiedWheel;
use pipward::wheel::entry_points::EntryPoints;
use pipward::wheel::metadata::Metadata;
use pipward::wheel::record::{Record, Row};
use pipward::wheel::{ExtractError, Wheel};
use pipward_resolver::{MarkerTree, Platform, Target, WheelName, markers};

use super::advisories;
use super::oracle::{Files, Zipfile, unzip, zip_crate};
use super::recipe;

/// A target's name and its body.
pub type Body = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: &[Body] = &[
    ("archive", archive),
    ("differential", differential),
    ("record", record),
    ("metadata", metadata),
    ("wheel_file", wheel_file),
    ("entry_points", entry_points),
    ("requirement", requirement),
    ("marker", marker),
    ("requirements", requirements),
    ("pyproject", pyproject),
    ("pylock", pylock),
    ("index_json", index_json),
    ("index_html", index_html),
    ("range", range),
    ("advisories", advisories::advisories),
];

/// The bytes are a wheel.
pub fn archive(bytes: &[u8]) {
    let Ok(files) = read_wheel(bytes) else { return };
    if let Ok(theirs) = zip_crate(bytes) {
        assert_same("the zip crate", &files, &theirs);
    }
}

/// The bytes choose a wheel; what we accept, others extract to the same files.
pub fn differential(bytes: &[u8]) {
    compare(&recipe::wheel(bytes));
}

/// Whether the wheel is accepted; if it is, other readers read the same.
pub fn compare(wheel: &[u8]) -> bool {
    thread_local! {
        static PYTHON: RefCell<Option<Zipfile>> = RefCell::new(Zipfile::start());
    }
    // One in so many accepted wheels goes to unzip, which is a process each time.
    static UNZIP: LazyLock<u32> = LazyLock::new(|| {
        std::env::var("PIPWARD_FUZZ_UNZIP").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    });
    let Ok(files) = read_wheel(wheel) else { return false };
    if let Ok(theirs) = zip_crate(wheel) {
        assert_same("the zip crate", &files, &theirs);
    }
    PYTHON.with_borrow_mut(|python| {
        let python = python.as_mut().expect("the differential needs python3, or PIPWARD_FUZZ_PYTHON");
        match python.read(wheel) {
            Ok(theirs) => assert_same("zipfile", &files, &theirs),
            Err(error) => panic!("we accept what zipfile refuses: {error}"),
        }
    });
    if *UNZIP > 0 && crc32fast::hash(wheel).is_multiple_of(*UNZIP) {
        compare_with_unzip(wheel);
    }
    true
}

/// As [`compare`], for `unzip`; `None` where there is none.
pub fn compare_with_unzip(wheel: &[u8]) -> Option<()> {
    let Ok(files) = read_wheel(wheel) else { return Some(()) };
    let directory = std::env::temp_dir().join(format!("pipward-fuzz-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir(&directory).expect("a directory for unzip");
    let theirs = unzip(wheel, &directory);
    std::fs::remove_dir_all(&directory).expect("what unzip made goes away");
    match theirs? {
        // unzip takes names from DOS for the code page of that time, also where they are marked as UTF-8.
        Ok(theirs) if !files.keys().all(|name| name.is_ascii()) => {
            let contents = |files: &Files| {
                let mut contents: Vec<_> = files.values().cloned().collect();
                contents.sort();
                contents
            };
            assert_eq!(contents(&theirs), contents(&files), "unzip reads other contents");
        }
        Ok(theirs) => assert_same("unzip", &files, &theirs),
        // unzip's own inflating knows no code of a single literal, which zlib takes.
        Err(error) if error.contains("invalid compressed data to inflate") => {}
        Err(error) => panic!("we accept what unzip refuses: {error}"),
    }
    Some(())
}

fn assert_same(who: &str, ours: &Files, theirs: &Files) {
    if ours != theirs {
        let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
        let differing: Vec<_> = ours.keys().filter(|name| ours.get(*name) != theirs.get(*name)).collect();
        panic!("{who} reads {:?}, we {:?}; ours differ in {differing:?}", names(theirs), names(ours));
    }
}

/// The strict way of a wheel: locked, verified, read, RECORD's hashes compared, each file extracted.
pub fn read_wheel(bytes: &[u8]) -> Result<Files, Problem> {
    let read = open_wheel(bytes).and_then(|wheel| {
        let mut files = Files::new();
        for entry in wheel.entries() {
            let mut content = Vec::new();
            match wheel.extract(entry, &mut content) {
                Ok((sha256, size)) => {
                    assert_eq!(size, content.len() as u64);
                    assert_eq!(sha256, Sha256::of(&content));
                }
                Err(ExtractError::Wheel(problem)) => return Err(problem),
                Err(ExtractError::Sink(error)) => panic!("a Vec takes all: {error}"),
            }
            assert!(files.insert(entry.path().to_string(), content).is_none(), "a name twice");
        }
        wheel.check_contents().expect("what was extracted is right");
        Ok(files)
    });
    read.inspect_err(explain)
}

fn open_wheel(bytes: &[u8]) -> Result<Wheel, Problem> {
    let locked = LockedFile {
        name: WheelName::parse(recipe::NAME).expect("a name"),
        location: Location::Path(Path::new("/wheels").join(recipe::NAME)),
        size: Some(bytes.len() as u64),
        upload_time: None,
        hashes: LockedHashes::sha256(Sha256::of(bytes)),
        place: Place::file("pylock.toml"),
    };
    let fetched = Unverified::private(bytes.to_vec(), Place::file("/wheels"), &locked.hashes);
    Wheel::read(VerifiedWheel::check(fetched, &locked)?)
}

/// A refusal teaches, whatever it refuses.
pub(super) fn explain(problem: &Problem) {
    assert!(problem.help_text().is_some(), "no way out: {problem}");
    assert!(problem.to_string().len() < 1 << 20, "a message as long as its cause");
}

fn explain_all(problems: &Problems) {
    assert!(problems.iter().next().is_some(), "no problem is no error");
    for problem in problems.iter() {
        assert!(problem.to_string().len() < 1 << 20, "a message as long as its cause");
    }
}

/// A RECORD: read strictly, leniently, and written.
pub fn record(bytes: &[u8]) {
    as_a_table(bytes);
    let installed = Record::parse_installed(bytes);
    let Ok(strict) = Record::parse(bytes) else {
        if let Ok(installed) = installed {
            // Other installers' rows are written again as well.
            let again = Record::parse_installed(&installed.write()).expect("what was written is read");
            assert_eq!(sorted(again), sorted(installed));
        }
        return;
    };
    assert_eq!(installed.expect("what is strictly right can be read leniently"), strict);
    let again = Record::parse(&strict.write()).expect("what was written is read");
    assert_eq!(sorted(again), sorted(strict));
}

/// What nothing is quoted in is read by its lines and commas; with a row in quotes behind it, as a table. Both are the same.
fn as_a_table(bytes: &[u8]) {
    const LAST: &str = "a path that is in no other row";
    if bytes.contains(&b'"') || bytes.windows(LAST.len()).any(|part| part == LAST.as_bytes()) {
        return;
    }
    let table = [bytes, format!("\n\"{LAST}\",,\n").as_bytes()].concat();
    for parse in [Record::parse, Record::parse_installed] {
        match (parse(bytes), parse(&table)) {
            (Ok(mut plain), Ok(table)) => {
                plain.rows.push(Row::bare(LAST));
                assert_eq!(plain, table);
            }
            (Err(plain), Err(table)) => assert_eq!(format!("{plain:?}"), format!("{table:?}")),
            (plain, table) => panic!("{plain:?} by its lines, {table:?} as a table"),
        }
    }
}

fn sorted(mut record: Record) -> Vec<String> {
    record.rows.sort_unstable_by(|left, right| left.path.cmp(&right.path));
    let mut rows: Vec<String> = record.rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort_unstable();
    rows
}

/// METADATA, and all that can be done with its requirements.
pub fn metadata(bytes: &[u8]) {
    let Ok(metadata) = Metadata::parse(bytes) else { return };
    for requirement in &metadata.requires {
        use_marker(&requirement.marker);
        let _ = requirement.to_string();
    }
}

fn use_marker(marker: &MarkerTree) {
    let target = target();
    let holds = marker.evaluate(&target.markers, &[]);
    assert_eq!(marker.negate().evaluate(&target.markers, &[]), !holds, "a marker and its negation");
    if let Some(text) = marker.try_to_string() {
        let again = pep508::marker(&text, Strictness::Lenient).expect("a marker that was written is read");
        assert_eq!(again.evaluate(&target.markers, &[]), holds, "{text}");
    }
}

fn target() -> &'static Target {
    static TARGET: LazyLock<Target> = LazyLock::new(|| {
        let platform = Platform::parse_uv("linux").expect("a platform");
        Target::described(&"3.12".parse().expect("a version"), &platform).expect("an environment")
    });
    &TARGET
}

/// A WHEEL file in a wheel that is honest otherwise.
pub fn wheel_file(bytes: &[u8]) {
    let _ = read_wheel(&recipe::around(recipe::METADATA.as_bytes(), bytes, None));
}

/// entry_points.txt: what is taken from it can be put into a script without quoting.
pub fn entry_points(bytes: &[u8]) {
    let Ok(read) = EntryPoints::parse(bytes) else { return };
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    for script in &read.scripts {
        assert!(script.name.chars().all(|c| word(c) || matches!(c, '-' | ',')) && !script.name.is_empty());
        assert!(!matches!(script.name.as_str(), "." | ".."));
        assert!(script.module.chars().all(word) && script.object.chars().all(word));
    }
    assert!(read.scripts.windows(2).all(|pair| pair[0].name < pair[1].name), "sorted, and none twice");
}

/// A requirement, and its marker by itself.
pub fn requirement(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for strictness in [Strictness::Strict, Strictness::Lenient] {
        if let Ok(requirement) = pep508::requirement(text, strictness) {
            use_marker(&requirement.marker);
            let _ = requirement.to_string();
        }
        if let Ok(marker) = pep508::marker(text, strictness) {
            use_marker(&marker);
        }
    }
}

/// A marker, and its shortest words, everywhere and in the world.
pub fn marker(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(marker) = pep508::marker(text, Strictness::Strict) else { return };
    use_marker(&marker);
    // Old names of variables (`python_implementation`) are variables of their own in the algebra, and written as the new ones.
    let Some(written) = marker.try_to_string() else { return };
    let marker = pep508::marker(&written, Strictness::Strict).expect("a marker that was written is read");
    for within in [&MarkerTree::TRUE, markers::world()] {
        let Some(told) = markers::text(&marker, within) else { continue };
        let again = pep508::marker(&told, Strictness::Strict).expect("a marker that was told is read");
        let (mut here, mut there) = (marker.clone(), again.clone());
        here.and(within.clone());
        there.and(within.clone());
        assert!(markers::same(&here, &there), "{text} is not {told}");
        assert_eq!(
            markers::text(&again, within).as_ref(),
            Some(&told),
            "what is read of it is told otherwise"
        );
        assert_eq!(
            markers::text(&markers::simplify(&marker, within), within),
            Some(told),
            "the same in short"
        );
    }
}

/// A requirements file, and the lock that it is.
pub fn requirements(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // What it includes is looked for in a directory that is not there; nothing outside is to be read while fuzzing.
    if text.contains("-r") || text.contains("-c") || text.contains("--req") || text.contains("--con") {
        let near = !text.contains(['/', '$', '\\']) && !text.to_ascii_lowercase().contains("file:");
        if !near {
            return;
        }
    }
    let path = Path::new("/nonexistent/pipward/requirements.txt");
    let variable = |name: &str| (name == "HOME").then(|| "/nonexistent".to_owned());
    match pipward::requirements::read_text(text, path, &variable) {
        Err(problems) => explain_all(&problems),
        Ok(read) => {
            for requirement in read.requirements.iter().chain(&read.constraints) {
                use_marker(&requirement.requirement.marker);
            }
            if let Ok(lock) = pipward::lock::requirements::from_requirements(&read, path) {
                let written = pipward::lock::requirements::write(&lock);
                let again =
                    pipward::requirements::read_text(&written, path, &|_| None).unwrap_or_else(|problems| {
                        panic!("what was written is not read: {problems:?}\n{written}")
                    });
                assert_eq!(again.requirements.len(), lock.packages.len(), "{written}");
            }
        }
    }
}

/// A pyproject.toml.
pub fn pyproject(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let select =
        pipward::requirements::ProjectSelection { all_extras: true, all_groups: true, ..Default::default() };
    let path = Path::new("/nonexistent/pipward/pyproject.toml");
    match pipward::requirements::read_project_text(text, path, &select) {
        Err(problems) => explain_all(&problems),
        Ok(project) => {
            for requirement in &project.requirements {
                use_marker(&requirement.requirement.marker);
            }
        }
    }
}

/// A pylock.toml: read, selected from, and written.
pub fn pylock(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = Path::new("/nonexistent/pipward/pylock.toml");
    let mut lock = match pipward::lock::pylock::parse(text, path) {
        Err(problems) => return explain_all(&problems),
        Ok(lock) => lock,
    };
    // What would have to be built is read, so that it can be told of, and never written.
    lock.packages.retain(|package| matches!(package.source, LockedSource::Wheels(_)));
    let groups = lock.dependency_groups.clone();
    let request = SelectRequest { target: target(), extras: &lock.extras, groups: Some(&groups) };
    let selected = lock.select(&request);
    if let Err(problems) = &selected {
        explain_all(problems);
    }
    let written = pipward::lock::pylock::write(&lock);
    let again = pipward::lock::pylock::parse(&written, path)
        .unwrap_or_else(|problems| panic!("what was written is not read: {problems:?}\n{written}"));
    assert_eq!(pipward::lock::pylock::write(&again), written, "writing again says the same");
    assert_eq!(again.select(&request).is_ok(), selected.is_ok(), "it selects as before");
}

/// A project page in JSON.
pub fn index_json(bytes: &[u8]) {
    page(PageForm::Json, bytes);
}

/// A project page in HTML.
pub fn index_html(bytes: &[u8]) {
    page(PageForm::Html, bytes);
}

fn page(form: PageForm, bytes: &[u8]) {
    let base = url::Url::parse("https://user:secret@index.example/simple/pkg/").expect("an address");
    let project = "pkg".parse().expect("a name");
    match read_page(form, bytes, &base, &project) {
        // The base has a password, which stands in nothing that is said of the page.
        Err(problem) => assert!(!problem.to_string().contains("secret"), "{problem}"),
        Ok(files) => {
            for file in files {
                assert_eq!(*file.name.name(), project);
                let Location::Url(url) = &file.location else {
                    panic!("a page from the network names a path")
                };
                assert!(matches!(url.scheme(), "http" | "https"), "{url}");
                assert!(url.username().is_empty() && url.password().is_none(), "{url}");
            }
        }
    }
}

/// METADATA by range reads: of the bytes as they are, and of the wheel that they choose. Where the strict reader takes the
/// wheel, both read the same METADATA.
pub fn range(bytes: &[u8]) {
    for wheel in [bytes, &recipe::wheel(bytes)] {
        let name = WheelName::parse(recipe::NAME).expect("a name");
        let size = wheel.len() as u64;
        let mut reads = 0;
        let read = read_metadata(&name, size, &mut |range| {
            reads += 1;
            let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(wheel.len());
            Ok(wheel.get(at(range.start)..at(range.end)).unwrap_or_default().to_vec())
        });
        assert!(reads <= 5, "{reads} reads");
        match (read, open_wheel(wheel)) {
            (Ok(text), Ok(strict)) => assert_eq!(text, strict.metadata_text()),
            (Err(problem), _) => explain(&problem),
            (Ok(_), Err(_)) => {}
        }
    }
}
