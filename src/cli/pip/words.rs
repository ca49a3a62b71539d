//! The words of pip's errors that scripts look for, told before pipward's own.
//!
//! Owns: which problem has such words. Never: leaves out what pipward says of it.

mod hashes;
mod inputs;
mod network;

use pipward_resolver::PackageName;

use self::hashes::{MISMATCH, UNHASHED, UNPINNED};
use self::inputs::inputs;
use self::network::network;
use crate::error::{Code, Problem};
use crate::index::{CERTIFICATES, UNUSABLE};
use crate::lock::pylock::is_pylock_name;

/// Where pip explains what contradicts what.
const CONFLICTS: &str =
    "https://pip.pypa.io/en/latest/topics/dependency-resolution/#dealing-with-dependency-conflicts";

/// Whether two requirements contradict each other in their hashes alone.
fn is_of_hashes(problem: &Problem) -> bool {
    problem.message().contains("no hash in common")
}

/// The lines of pip's that go with a problem on standard error. The first is told as an error, the others as they are.
pub(in crate::cli) fn of(problem: &Problem) -> Vec<String> {
    if let Some(lines) = network(problem) {
        return lines;
    }
    let Some(first) = of_lock(problem).or_else(|| first(problem)) else { return Vec::new() };
    let mut lines = vec![first];
    lines.extend(hashes::listed(problem, &lines));
    match problem.code() {
        Code::NotInLock | Code::DependencyNotInLock | Code::LockNotFound => {
            lines.extend(nowhere(problem));
        }
        Code::NoMatchingWheel if problem.message().contains("only a source distribution") => {
            let name =
                problem.package_name().and_then(|package| package.split(' ').next()).unwrap_or_default();
            lines.push(format!(
                "No matching binary distribution was found for {name}; a source distribution matching this requirement \
                 was found, but source distributions are excluded by the current --only-binary setting."
            ));
        }
        Code::NoMatchingWheel if of_lock(problem).is_some() => {
            let name =
                problem.package_name().and_then(|package| package.split(' ').next()).unwrap_or_default();
            let file = problem.place().map(|place| place.file.as_str()).unwrap_or_default();
            lines.push(format!(
                "source distributions are not permitted for package '{name}' and there is no compatible wheel for it in '{file}'"
            ));
        }
        Code::ProjectNotFound
        | Code::FileNotFound
        | Code::FileNotLocked
        | Code::IndexUnreachable
        | Code::IndexPageInvalid
            if status(problem).is_none() =>
        {
            lines = ignored(problem);
            lines.push(unsatisfied(problem));
            lines.push(format!("No matching distribution found for {}", wanted(problem)));
            for line in lines.iter_mut().skip(1) {
                line.insert_str(0, "ERROR: ");
            }
        }
        Code::DependencyVersion | Code::DuplicatePackage if !is_of_hashes(problem) => {
            lines.push(format!("ERROR: ResolutionImpossible: for help visit {CONFLICTS}"));
        }
        Code::NoMatchingWheel | Code::OptionRefused
            if problem.code() == Code::OptionRefused || problem.message() == UNUSABLE =>
        {
            lines.push(format!("ERROR: No matching distribution found for {}", wanted(problem)));
        }
        Code::ReleaseLeftOut if !lines.iter().any(|line| line.contains("locked package")) => {
            lines.push(format!("ERROR: No matching distribution found for {}", wanted(problem)));
        }
        // pip says so of the address of a constraint.
        Code::NoMatchingWheel if lines.iter().any(|line| line.contains("not a supported wheel")) => {
            let package = problem.package_name().unwrap_or_default();
            lines.push(format!("ERROR: {}", conflict(package)));
        }
        Code::ExternallyManaged => {
            lines.extend([String::new(), "× This environment is externally managed".to_owned()]);
        }
        Code::UnsafeUninstall => {
            if lines.iter().any(|line| line.starts_with("error: ")) {
                lines.extend([String::new(), format!("× {}", problem.message())]);
            }
            lines.extend(problem.cause_text().map(|cause| format!("╰─> {cause}")));
            let hint = problem.help_text().map(|help| [String::new(), format!("hint: {help}")]);
            lines.extend(hint.into_iter().flatten());
        }
        _ => {}
    }
    lines
}

/// What pip tells on standard output beside a fault.
pub(in crate::cli) fn beside(problem: &Problem, verbose: bool) -> Vec<String> {
    story(problem).into_iter().chain(raised(problem).filter(|_| verbose)).collect()
}

/// The exception that pip shows with -v of a name that has no version.
fn raised(problem: &Problem) -> Option<String> {
    let told = of(problem);
    let missing = told.iter().find_map(|line| line.strip_prefix("ERROR: No matching distribution"))?;
    Some(format!("DistributionNotFound: No matching distribution{missing}"))
}

/// That there is no version of a name, since nothing vouches for any.
fn nowhere(problem: &Problem) -> Vec<String> {
    let wanted = match (problem.code(), problem.expected_text(), problem.found_text()) {
        (Code::NotInLock, _, None) => problem.package_name().unwrap_or_default().to_owned(),
        (Code::DependencyNotInLock, Some(needed), _) if !needed.contains(" @ ") => {
            format!("{needed} (from {})", problem.package_name().unwrap_or_default())
        }
        // A file that a line includes is no name.
        (Code::LockNotFound, None, Some(found))
            if problem.place().is_none_or(|place| place.line.is_none()) =>
        {
            found.to_owned()
        }
        _ => return Vec::new(),
    };
    vec![
        format!(
            "ERROR: Could not find a version that satisfies the requirement {wanted} (from versions: none)"
        ),
        format!("ERROR: No matching distribution found for {wanted}"),
    ]
}

/// What pip tells on standard output of requirements that contradict each other, and of what it cannot take out.
fn story(problem: &Problem) -> Vec<String> {
    if problem.code() == Code::UnsafeUninstall {
        let what = problem.message().strip_prefix("Cannot uninstall ");
        return what.map(|what| format!("Found existing installation: {what}")).into_iter().collect();
    }
    let asked = match problem.code() {
        Code::LockNotFound => problem.found_text(),
        Code::NotInLock => problem.package_name(),
        _ => None,
    };
    if asked == Some("requirements.txt") {
        return vec![
            "HINT: You are attempting to install a package literally named \"requirements.txt\" (which cannot exist). \
             Consider using the '-r' flag to install the packages listed in requirements.txt"
                .to_owned(),
        ];
    }
    if is_of_hashes(problem) || !matches!(problem.code(), Code::DependencyVersion | Code::DuplicatePackage) {
        return Vec::new();
    }
    let package = problem.package_name().unwrap_or_default();
    let found = problem.found_text().unwrap_or_default();
    let expected = problem.expected_text().unwrap_or_default();
    let mut lines = vec![String::new(), "The conflict is caused by:".to_owned()];
    let mut told = |line: String| lines.push(format!("    {line}"));
    match (problem.code(), problem.cause_text()) {
        (Code::DependencyVersion, Some(depends)) => {
            told(format!("The user requested {}", found.replacen(' ', "==", 1)));
            told(depends.to_owned());
        }
        (Code::DependencyVersion, None) => {
            told(format!("The user requested {}", excluded(problem)));
            let bare = match found.split_once(' ') {
                Some((_, version)) if !version.starts_with('(') => found.replacen(' ', "==", 1),
                _ => expected.split(" (").next().unwrap_or_default().to_owned(),
            };
            told(format!("The user requested (constraint) {bare}"));
        }
        _ => {
            for version in versions(found) {
                told(format!("The user requested {package}=={version}"));
            }
        }
    }
    lines
}

fn first(problem: &Problem) -> Option<String> {
    let package = problem.package_name().unwrap_or_default();
    let found = problem.found_text().unwrap_or_default();
    let place = problem.place();
    let file = place.map(|place| place.file.as_str()).unwrap_or_default();
    Some(match problem.code() {
        Code::DependencyVersion | Code::DuplicatePackage if is_of_hashes(problem) => MISMATCH.to_owned(),
        Code::HashMismatch | Code::HashMalformed => MISMATCH.to_owned(),
        Code::HashMissing | Code::HashWeak => UNHASHED.to_owned(),
        Code::PinMissing => UNPINNED.to_owned(),
        Code::DependencyNotInLock => match problem.expected_text() {
            Some(needed) if needed.contains(" @ ") => UNHASHED.to_owned(),
            _ => UNPINNED.to_owned(),
        },
        Code::NotInLock if !found.is_empty() => conflict(
            &problem
                .expected_text()
                .map_or_else(|| package.to_owned(), |expected| format!("{package}{expected}")),
        ),
        Code::NotInLock if package.contains("==") => UNHASHED.to_owned(),
        Code::NotInLock => UNPINNED.to_owned(),
        Code::FileNotFound if status(problem).is_some() => format!(
            "Could not install requirement {package} from {file} because of HTTP error {} Client Error for url: {file}",
            status(problem).unwrap_or_default()
        ),
        Code::ProjectNotFound
        | Code::FileNotFound
        | Code::FileNotLocked
        | Code::IndexUnreachable
        | Code::IndexPageInvalid
            if !package.is_empty() =>
        {
            unsatisfied(problem)
        }
        Code::ReleaseLeftOut if problem.expected_text() == Some("a final release") => {
            let wanted = wanted(problem);
            let version = package.split_once(' ').map_or("none", |(_, version)| version);
            format!(
                "Could not find a final version that satisfies the requirement {wanted} (from versions: {version})"
            )
        }
        Code::ReleaseLeftOut => unsatisfied(problem),
        // One that was looked for, and not named itself.
        Code::NoMatchingWheel if problem.message() == UNUSABLE => unsatisfied(problem),
        Code::OptionRefused if !package.is_empty() => unsatisfied(problem),
        Code::NoMatchingWheel if found.ends_with(".whl") && !found.contains(", ") => {
            format!("{found} is not a supported wheel on this platform.")
        }
        Code::NoMatchingWheel => format!("No matching distribution found for {}", package.replace(' ', "==")),
        Code::OptionUnknown => format!("Invalid requirement: {found}: no such option: {found}"),
        Code::DependencyVersion if problem.cause_text().is_some() => {
            conflict(&format!("{package} and {}", found.replacen(' ', "==", 1)))
        }
        Code::DependencyVersion => conflict(&excluded(problem)),
        Code::DuplicatePackage => {
            let all: Vec<String> =
                versions(found).iter().map(|version| format!("{package}=={version}")).collect();
            conflict(&if all.is_empty() { package.to_owned() } else { all.join(" and ") })
        }
        Code::ExternallyManaged => "error: externally-managed-environment".to_owned(),
        Code::UnsafeUninstall => match problem.cause_text() {
            Some(cause) if cause.contains("distutils") => {
                "error: uninstall-distutils-installed-package".to_owned()
            }
            Some(cause) if cause.contains("no RECORD") => "error: uninstall-no-record-file".to_owned(),
            _ => format!("× {}", problem.message()),
        },
        Code::PythonNotFound if place.is_some() => format!("Could not locate Python interpreter {file}"),
        _ => return inputs(problem).or_else(|| wheel(problem)).or_else(|| system(problem)),
    })
}

/// What is wrong with a wheel.
fn wheel(problem: &Problem) -> Option<String> {
    let name = problem.package_name().and_then(|package| package.split(' ').next()).unwrap_or_default();
    let found = problem.found_text().unwrap_or_default();
    let entry = problem.place().and_then(|place| place.entry.as_deref()).unwrap_or_default();
    let file = problem.place().map(|place| place.file.as_str()).unwrap_or_default();
    Some(match problem.code() {
        Code::DistInfo if found.contains(" and ") => {
            format!(
                "{name} has an invalid wheel, multiple .dist-info directories found: {}",
                found.replace(" and ", ", ")
            )
        }
        Code::DistInfo if found.ends_with(".dist-info") => {
            format!(
                "{name} has an invalid wheel, .dist-info directory '{found}' does not start with '{name}'"
            )
        }
        Code::DistInfo if found.is_empty() => {
            format!("{name} has an invalid wheel, .dist-info directory not found")
        }
        Code::WheelFileInvalid if problem.message().contains("Wheel-Version is not known") => {
            format!("{name}'s Wheel-Version ({found}) is not compatible with this version of pip")
        }
        Code::EntryPoints if problem.message().contains("name an object") => {
            let script = found.split_once(": ").map_or(found, |(_, script)| script);
            format!("Invalid script entry point: {script} - A callable suffix is required.")
        }
        Code::MetadataInvalid if problem.message().contains("not UTF-8") => {
            format!("Error decoding metadata for {file}: METADATA is not UTF-8")
        }
        Code::ArchiveNotZip => format!("Wheel '{name}' located at {file} is invalid."),
        Code::SchemeUnknown => {
            format!("Unexpected file in {file}: '{}'", if found.is_empty() { entry } else { found })
        }
        _ => return None,
    })
}

/// What the system says where something cannot be written, or a file of certificates is not there.
fn system(problem: &Problem) -> Option<String> {
    let file = problem.place().map(|place| place.file.as_str()).unwrap_or_default();
    let (text, number) = problem.cause_text()?.trim_end_matches(')').rsplit_once(" (os error ")?;
    let text = text.rsplit("`: ").next().unwrap_or(text);
    let writes = ["writing", "making"].iter().any(|doing| problem.message().starts_with(doing));
    let why = match problem.code() {
        Code::TlsFailed if problem.message() == CERTIFICATES => {
            format!("Could not find a suitable TLS CA certificate bundle, invalid path: {file}")
        }
        Code::DiskFull | Code::NotWritable | Code::FileAccess if writes => {
            format!("[Errno {number}] {text}: '{file}'")
        }
        _ => return None,
    };
    let hint = if number == "13" { "\nCheck the permissions." } else { "" };
    Some(format!("Could not install packages due to an OSError: {why}{hint}"))
}

/// The status of an answer of a server, where it is what was found.
fn status(problem: &Problem) -> Option<&str> {
    let found = problem.found_text()?;
    let is_status = found.get(..4).is_some_and(|head| {
        head.ends_with(' ')
            && head.trim_end().len() == 3
            && head.trim_end().bytes().all(|b| b.is_ascii_digit())
    });
    is_status.then_some(found)
}

/// The releases that were passed over.
fn ignored(problem: &Problem) -> Vec<String> {
    let cause = problem.cause_text().filter(|cause| cause.starts_with("Ignored the following"));
    let parts = cause.into_iter().flat_map(|cause| cause.split(". Ignored "));
    parts
        .enumerate()
        .map(|(at, part)| if at == 0 { part.to_owned() } else { format!("Ignored {part}") })
        .collect()
}

fn unsatisfied(problem: &Problem) -> String {
    let found = problem.found_text().unwrap_or_default();
    let from = if problem.code() == Code::FileNotFound && !found.is_empty() { found } else { "none" };
    format!(
        "Could not find a version that satisfies the requirement {} (from versions: {from})",
        wanted(problem)
    )
}

/// What pip says of a lock as a whole.
fn of_lock(problem: &Problem) -> Option<String> {
    let file = problem.place().map(|place| place.file.as_str())?;
    if !is_pylock_name(std::path::Path::new(file)) {
        return None;
    }
    match problem.code() {
        Code::LockNotFound if problem.found_text().is_none() => {
            Some(format!("Error reading pylock file '{file}'"))
        }
        Code::LockSyntax | Code::LockSchema | Code::LockVersion => {
            Some(format!("Invalid pylock file '{file}'"))
        }
        Code::ReleaseLeftOut if problem.expected_text() == Some("a final release") => {
            let package = problem.package_name().unwrap_or_default();
            let (name, version) = package.split_once(' ').unwrap_or((package, ""));
            Some(format!(
                "A pre-release version {version} is specified in a provided lock file for {name} but only final versions are allowed"
            ))
        }
        Code::ReleaseLeftOut => {
            let package =
                problem.package_name().and_then(|package| package.split(' ').next()).unwrap_or_default();
            let why = match (problem.found_text(), problem.expected_text()) {
                (Some(found), Some(wanted)) => format!(
                    "Upload time {} not prior to {}",
                    found.trim_start_matches("uploaded "),
                    wanted.trim_start_matches("uploaded before ")
                ),
                _ => format!("Index {file} does not provide upload-time metadata."),
            };
            Some(format!("Could not install locked package '{package}' from '{file}': {why}"))
        }
        Code::EnvironmentMismatch
        | Code::PythonMismatch
        | Code::NoMatchingWheel
        | Code::DuplicatePackage
        | Code::RequirementUnsupported => {
            Some(format!("Cannot select requirements from pylock file '{file}'"))
        }
        _ => None,
    }
}

/// `flask==3.1`, of a problem about a release.
fn wanted(problem: &Problem) -> String {
    let package = problem.package_name().unwrap_or_default();
    let (name, version) = package.split_once(' ').unwrap_or((package, ""));
    if version.is_empty() { name.to_owned() } else { format!("{name}=={version}") }
}

/// `1.0 (line 3) and 2.0` -> 1.0, 2.0.
fn versions(found: &str) -> Vec<&str> {
    found.split(" and ").filter_map(|one| one.split(' ').next()).filter(|one| !one.is_empty()).collect()
}

/// What was asked for and is excluded: by its version, by where it is from, or by what was asked.
fn excluded(problem: &Problem) -> String {
    let package = problem.package_name().unwrap_or_default();
    let found = problem.found_text().unwrap_or_default();
    if let Some((version, from)) = found.split_once(" (from ") {
        let name =
            package.parse::<PackageName>().map_or_else(|_| package.to_owned(), |name| name.to_string());
        return format!("{name} {version} (from {from}");
    }
    match found.split_once(' ') {
        // A lock has another version than the one that was asked for.
        Some(_) => problem.expected_text().unwrap_or(package).to_owned(),
        None if found.starts_with(|c: char| c.is_ascii_digit()) => format!("{package}=={found}"),
        None if found.is_empty() => package.to_owned(),
        None => found.to_owned(),
    }
}

fn conflict(what: &str) -> String {
    format!("Cannot install {what} because these package versions have conflicting dependencies.")
}
