//! Whether a lock still follows from its inputs, as far as the lock itself can tell.
//!
//! Pure. Never: asks an index.

use std::collections::{BTreeMap, BTreeSet};

use super::{Lock, ToolTable, pylock, requirements};
use crate::digest::Sha256;

/// The lock with the fingerprint of all that it says.
pub fn signed(mut lock: Lock) -> Lock {
    if let Some(tool) = &mut lock.tool {
        tool.fingerprint = None;
    }
    let fingerprint = Sha256::of(pylock::write(&lock).as_bytes());
    if let Some(tool) = &mut lock.tool {
        tool.fingerprint = Some(fingerprint);
    }
    lock
}

/// The digest of what the lock says in its written form, without the fingerprint itself.
fn fingerprint(lock: &Lock) -> Sha256 {
    let mut bare = lock.clone();
    if let Some(tool) = &mut bare.tool {
        tool.fingerprint = None;
    }
    Sha256::of(pylock::write(&bare).as_bytes())
}

/// Whether nobody edited a lock since pipward wrote it, by its fingerprint.
pub fn is_as_written(lock: &Lock) -> bool {
    let noted = lock.tool.as_ref().and_then(|tool| tool.fingerprint);
    noted.is_some_and(|noted| noted == fingerprint(lock))
}

/// What speaks against a lock, in readable lines: inputs and options that are not those of `now`, and an edit by hand. A
/// lock without any of it is what locking again would write, as long as the cutoff stays.
pub fn drift(standing: &Lock, now: &Lock) -> Vec<String> {
    let (Some(then), Some(tool)) = (&standing.tool, &now.tool) else {
        return vec!["the lock does not tell what it was made from".to_owned()];
    };
    let mut lines = inputs(then, tool);
    // What is overridden and excluded is told by itself.
    let listed = |line: &String| line.starts_with("`override`") || line.starts_with("`exclude`");
    lines.extend(options(then, tool).into_iter().filter(|line| !listed(line)));
    lines.extend(lists("override", &then.overrides, &tool.overrides));
    lines.extend(lists("exclude", &then.excludes, &tool.excludes));
    let text = |value: &Option<pipward_resolver::VersionSpecifiers>| {
        value.as_ref().map_or_else(|| "any Python".to_owned(), |it| format!("Python {it}"))
    };
    if standing.requires_python != now.requires_python {
        lines.push(format!(
            "the lock is for {}, and now {} is asked for",
            text(&standing.requires_python),
            text(&now.requires_python)
        ));
    }
    let environments =
        |lock: &Lock| lock.environments.iter().map(|marker| marker.text.clone()).collect::<Vec<_>>();
    lines.extend(lists("environment", &environments(standing), &environments(now)));
    let names =
        |names: &[pipward_resolver::ExtraName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    lines.extend(lists("extra", &names(&standing.extras), &names(&now.extras)));
    lines.extend(lists("group", &names(&standing.dependency_groups), &names(&now.dependency_groups)));
    match &then.fingerprint {
        Some(noted) if *noted == fingerprint(standing) => {}
        Some(_) => lines.push("the lock was edited by hand".to_owned()),
        None => lines.push(
            "the lock has no fingerprint: it was written by another tool or an older pipward".to_owned(),
        ),
    }
    lines
}

/// Where requirements come from that were typed.
const COMMAND_LINE: &str = "command line";

/// A lock as a hashed requirements file, with a header that tells how it was made.
pub fn signed_requirements(lock: &Lock) -> String {
    let text = requirements::write(lock);
    let (title, body) = text.split_once('\n').unwrap_or((&text, ""));
    let mut signed = format!("{title}\n");
    if let Some(python) = &lock.requires_python {
        signed.push_str(&format!("# requires-python = {python}\n"));
    }
    if let Some(tool) = &lock.tool {
        tool.cutoff.iter().for_each(|cutoff| signed.push_str(&format!("# cutoff = {cutoff}\n")));
        for (name, cutoff) in &tool.cutoffs {
            signed.push_str(&format!("# cutoff of {name} = {cutoff}\n"));
        }
        for (name, value) in &tool.options {
            signed.push_str(&format!("# option {name} = {value}\n"));
        }
        let mut inputs = Vec::new();
        for (requirement, from) in &tool.inputs {
            let input = if from == COMMAND_LINE { ("argument", requirement) } else { ("input", from) };
            if !inputs.contains(&input) {
                inputs.push(input);
            }
        }
        for (key, value) in inputs.into_iter().filter(|(_, value)| !value.contains(['\n', '\r'])) {
            signed.push_str(&format!("# {key} = {value}\n"));
        }
    }
    signed.push_str(&format!("# fingerprint = {}\n{body}", fingerprint_of_requirements(&text, lock)));
    signed
}

/// The header of a requirements file that pipward wrote, as a lock without packages; `None` for another's.
pub fn header(text: &str) -> Option<Lock> {
    let (mut tool, mut requires_python) = (ToolTable::default(), None);
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    for (key, value) in lines.filter_map(|line| line.strip_prefix("# ")?.split_once(" = ")) {
        match key.split_once(' ') {
            None if key == "requires-python" => requires_python = value.parse().ok(),
            None if key == "cutoff" => tool.cutoff = value.parse().ok(),
            None if key == "fingerprint" => tool.fingerprint = Sha256::from_hex(value),
            Some(("cutoff", name)) => {
                let name = name.strip_prefix("of ").and_then(|name| name.parse().ok());
                tool.cutoffs.extend(name.zip(value.parse().ok()));
            }
            None if key == "input" => tool.inputs.push((String::new(), value.to_owned())),
            None if key == "argument" => tool.inputs.push((value.to_owned(), COMMAND_LINE.to_owned())),
            Some(("option", name)) => drop(tool.options.insert(name.to_owned(), value.to_owned())),
            _ => {}
        }
    }
    let is_ours = tool.fingerprint.is_some();
    is_ours.then(|| Lock { requires_python, tool: Some(tool), ..Lock::default() })
}

/// What speaks against a hashed requirements file. It notes the digest of its inputs alone, so what changed in them is
/// not told.
pub fn drift_of_requirements(text: &str, now: &Lock) -> Vec<String> {
    let Some(Lock { tool: Some(then), .. }) = header(text) else {
        return vec!["the file does not tell what it was made from".to_owned()];
    };
    if then.fingerprint == Some(fingerprint_of_requirements(text, now)) {
        return Vec::new();
    }
    let mut lines = now.tool.as_ref().map(|now| options(&then, now)).unwrap_or_default();
    if lines.is_empty() {
        lines.push("the inputs changed, or the file was edited by hand".to_owned());
    }
    lines
}

/// The digest of the inputs of a lock, and of the lines of its requirements file that are no comments.
fn fingerprint_of_requirements(text: &str, lock: &Lock) -> Sha256 {
    let mut frame = Lock { packages: Vec::new(), created_by: "pipward".to_owned(), ..lock.clone() };
    if let Some(tool) = &mut frame.tool {
        tool.fingerprint = None;
        tool.cutoffs.clear();
    }
    let mut all = pylock::write(&frame);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        all.push_str(line);
        all.push('\n');
    }
    Sha256::of(all.as_bytes())
}

/// Each requirement that is in one of the two alone, with where it stands; a changed one as one line.
fn inputs(then: &ToolTable, now: &ToolTable) -> Vec<String> {
    let before: BTreeSet<&(String, String)> = then.inputs.iter().collect();
    let after: BTreeSet<&(String, String)> = now.inputs.iter().collect();
    let mut gone: Vec<&(String, String)> = before.difference(&after).copied().collect();
    let mut new: Vec<&(String, String)> = after.difference(&before).copied().collect();
    let pairs = moved(&mut gone, &mut new);
    let told =
        |(then, now): &(String, String)| format!("{now} stands for {then}, which the lock was made from");
    let mut lines: Vec<String> = pairs.iter().map(told).collect();
    for (text, from) in new {
        let is_place = |place: &String| place == from || pairs.contains(&(place.clone(), from.clone()));
        let same = gone.iter().position(|(old, place)| is_place(place) && name(old) == name(text));
        match same {
            Some(at) => {
                let (old, _) = gone.remove(at);
                lines.push(format!("{from} asks for {text}; the lock was made for {old}"));
            }
            None => lines.push(format!("{from} asks for {text}, which the lock was not made for")),
        }
    }
    lines.extend(gone.into_iter().map(|(text, from)| format!("{from} does not ask for {text} any more")));
    lines
}

/// Requirements that stand elsewhere and say the same, taken out of both: the files that stand for each other.
fn moved(gone: &mut Vec<&(String, String)>, new: &mut Vec<&(String, String)>) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    new.retain(|(text, from)| {
        let Some(at) = gone.iter().position(|(old, _)| old == text) else { return true };
        let (_, before) = gone.remove(at);
        pairs.insert((before.clone(), from.clone()));
        false
    });
    pairs
}

/// The name that a requirement begins with.
fn name(requirement: &str) -> String {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    requirement.get(..end.unwrap_or(requirement.len())).unwrap_or_default().to_ascii_lowercase()
}

fn options(then: &ToolTable, now: &ToolTable) -> Vec<String> {
    let keys: BTreeSet<&String> = then.options.keys().chain(now.options.keys()).collect();
    let told = |options: &BTreeMap<String, String>, key: &String| {
        options.get(key).map_or_else(|| "its default".to_owned(), |value| format!("`{value}`"))
    };
    keys.into_iter()
        .filter(|key| then.options.get(*key) != now.options.get(*key))
        .map(|key| {
            format!(
                "`{key}` is {} now; it was {} for the lock",
                told(&now.options, key),
                told(&then.options, key)
            )
        })
        .collect()
}

fn lists(what: &str, then: &[String], now: &[String]) -> Vec<String> {
    let before: BTreeSet<&String> = then.iter().collect();
    let after: BTreeSet<&String> = now.iter().collect();
    let new = after.difference(&before).map(|text| format!("the {what} {text} is new"));
    new.chain(before.difference(&after).map(|text| format!("the {what} {text} is gone"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(inputs: &[(&str, &str)], options: &[(&str, &str)]) -> Lock {
        let pair = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        let tool = ToolTable {
            inputs: inputs.iter().map(pair).collect(),
            options: options.iter().map(pair).collect(),
            ..ToolTable::default()
        };
        let lock = Lock { file: "pylock.toml".into(), created_by: "pipward".to_owned(), ..Lock::default() };
        signed(Lock { tool: Some(tool), ..lock })
    }

    fn check(then: &Lock, now: &Lock, expected: &[&str]) {
        let found = drift(then, now);
        assert_eq!(found, expected);
    }

    #[test]
    fn what_changed_is_told_in_words() {
        let then = lock(&[("flask>=2", "a.in"), ("idna", "a.in")], &[("resolution", "lowest")]);
        check(&then, &then, &[]);
        let now = lock(&[("flask>=3", "a.in"), ("rich", "command line")], &[("pre", "true")]);
        check(
            &then,
            &now,
            &[
                "a.in asks for flask>=3; the lock was made for flask>=2",
                "command line asks for rich, which the lock was not made for",
                "a.in does not ask for idna any more",
                "`pre` is `true` now; it was its default for the lock",
                "`resolution` is its default now; it was `lowest` for the lock",
            ],
        );
    }

    #[test]
    fn of_another_file_only_the_difference_is_told() {
        let then = lock(&[("flask>=2", "a.in"), ("idna", "a.in"), ("rich", "a.in")], &[]);
        let now = lock(&[("flask>=3", "b.in"), ("idna", "b.in"), ("rich", "b.in")], &[]);
        check(
            &then,
            &now,
            &[
                "b.in stands for a.in, which the lock was made from",
                "b.in asks for flask>=3; the lock was made for flask>=2",
            ],
        );
    }

    #[test]
    fn an_edit_by_hand_is_seen() {
        let then = lock(&[("flask", "a.in")], &[]);
        let mut edited = then.clone();
        edited.created_by = "someone".to_owned();
        check(&edited, &then, &["the lock was edited by hand"]);
        let mut bare = then.clone();
        bare.tool.as_mut().unwrap().fingerprint = None;
        assert_eq!(drift(&bare, &then).len(), 1);
        bare.tool = None;
        check(&bare, &then, &["the lock does not tell what it was made from"]);
    }

    #[test]
    fn the_range_of_pythons_counts() {
        let then = lock(&[], &[]);
        let now = Lock { requires_python: ">=3.10".parse().ok(), ..then.clone() };
        check(&then, &now, &["the lock is for any Python, and now Python >=3.10 is asked for"]);
    }

    #[test]
    fn a_lock_that_nobody_edited_is_as_it_was_written() {
        let then = lock(&[("flask", "a.in")], &[]);
        assert!(is_as_written(&then));
        let mut edited = then.clone();
        edited.created_by = "someone".to_owned();
        assert!(!is_as_written(&edited));
        let mut bare = then.clone();
        bare.tool.as_mut().unwrap().fingerprint = None;
        assert!(!is_as_written(&bare));
    }

    #[test]
    fn requirements_of_other_names_and_files_are_no_changed_ones() {
        let then = lock(&[("flask>=2", "a.in"), ("Idna", "b.in")], &[]);
        let now = lock(&[("rich>=2", "a.in"), ("flask>=3", "b.in"), ("idna[x]", "b.in")], &[]);
        check(
            &then,
            &now,
            &[
                "b.in asks for flask>=3, which the lock was not made for",
                "b.in asks for idna[x]; the lock was made for Idna",
                "a.in asks for rich>=2, which the lock was not made for",
                "a.in does not ask for flask>=2 any more",
            ],
        );
    }

    #[test]
    fn what_else_a_lock_is_for_counts() {
        let then = lock(&[], &[]);
        let mut now = then.clone();
        let tool = now.tool.as_mut().unwrap();
        tool.overrides = vec!["flask==3".to_owned()];
        tool.excludes = vec!["rich".to_owned()];
        now.extras = vec!["socks".parse().unwrap()];
        now.dependency_groups = vec!["docs".parse().unwrap()];
        let expected = [
            "the override flask==3 is new",
            "the exclude rich is new",
            "the extra socks is new",
            "the group docs is new",
        ];
        check(&then, &now, &expected);
        let gone = expected.map(|line| line.replace("is new", "is gone"));
        check(&signed(now), &then, &gone.each_ref().map(String::as_str));
    }

    #[test]
    fn the_header_of_a_requirements_file_tells_what_it_was_made_from() {
        let mut made = lock(&[("flask", "a.in")], &[("resolution", "lowest"), ("pre", "true")]);
        made.requires_python = ">=3.10".parse().ok();
        let tool = made.tool.as_mut().unwrap();
        tool.cutoff = "2026-01-02T03:04:05Z".parse().ok();
        tool.cutoffs.insert("rich".parse().unwrap(), "2026-02-03T04:05:06Z".parse().unwrap());
        let text = signed_requirements(&made);
        let told = header(&text).unwrap();
        assert_eq!(told.requires_python, made.requires_python);
        let (told, tool) = (told.tool.unwrap(), made.tool.clone().unwrap());
        assert_eq!((told.cutoff, told.cutoffs, told.options), (tool.cutoff, tool.cutoffs, tool.options));
        assert!(tool.cutoff.is_some() && told.fingerprint.is_some());
        assert_eq!(header(&text.replace("# fingerprint", "# print")).map(|_| ()), None);

        assert_eq!(drift_of_requirements(&text, &made), Vec::<String>::new());
        let edited = ["the inputs changed, or the file was edited by hand"];
        assert_eq!(drift_of_requirements(&format!("{text}rich==1\n"), &made), edited);
        let mut now = made.clone();
        now.tool.as_mut().unwrap().inputs.clear();
        assert_eq!(drift_of_requirements(&text, &now), edited);
        now.tool.as_mut().unwrap().options.remove("pre");
        assert_eq!(
            drift_of_requirements(&text, &now),
            ["`pre` is its default now; it was `true` for the lock"]
        );
        let unknown = ["the file does not tell what it was made from"];
        assert_eq!(drift_of_requirements("# Written by hand\nflask==1\n", &made), unknown);
    }
}
