//! Extras and groups that leave no solution together: the words that let them live in one lock.

use std::collections::BTreeSet;

use pipward_resolver::{Explanation, ExtraName, HintKind, Origin};

use crate::config::Optional;
use crate::requirements::INCLUDED_BY;

/// What helps where a story ends without a solution. `conflicts`: what is declared to exclude each other.
pub(super) fn way_out(story: &Explanation, conflicts: &[Vec<Optional>]) -> String {
    // Where Pythons have a part in it, others may do.
    let is_of_pythons = story.hints.iter().any(|hint| hint.kind == HintKind::Python)
        || story
            .facts
            .iter()
            .any(|fact| ["needs Python", "need Python"].iter().any(|it| fact.text.contains(it)))
        || story.environments.as_ref().is_some_and(|marker| marker.contains("python"));
    let others = if is_of_pythons { ", or lock for other Pythons" } else { "" };
    let wait = "wait until it can be locked, or ask for an older release; for a fix that cannot wait, add [[policy.exception]] \
                with code = \"release-age\", package and a reason to pipward.toml";
    let usual = match story.waits {
        true => wait.to_owned(),
        false => format!("loosen one of the requirements named{others}"),
    };
    let ways: Vec<Way<'_>> = story.facts.iter().filter_map(|fact| Way::of(fact.origin.as_ref()?)).collect();
    if let Some(told) = ways.iter().find_map(|way| brought_in(way, conflicts)) {
        return format!("{usual}; {told}");
    }
    let choices: BTreeSet<Choice<'_>> = ways.iter().map(|way| way.chosen).collect();
    if choices.len() < 2 {
        return usual;
    }
    let named: Vec<String> = choices.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
    let set: Vec<String> = choices.iter().map(|(kind, name)| format!("{{ {kind} = \"{name}\" }}")).collect();
    format!(
        "{usual}; if {} are never used together, say so in pyproject.toml, under [tool.pipward]: conflicts = [[{}]]",
        named.join(" and "),
        set.join(", ")
    )
}

/// An extra or a group of a pyproject.toml: its kind and its name.
type Choice<'a> = (&'static str, &'a str);

/// How a requirement comes in.
struct Way<'a> {
    /// The extra or group that it stands in.
    stands_in: Choice<'a>,
    /// The one that is chosen, which may include the other.
    chosen: Choice<'a>,
}

impl<'a> Way<'a> {
    fn of(origin: &'a Origin) -> Option<Self> {
        let Origin::File { entry: Some(entry), .. } = origin else { return None };
        let mut choices = entry.split(INCLUDED_BY).filter_map(choice);
        let stands_in = choices.next()?;
        Some(Self { stands_in, chosen: choices.last().unwrap_or(stands_in) })
    }
}

/// That an extra includes one that is declared to exclude others, and so brings it in where those are chosen.
fn brought_in(way: &Way<'_>, conflicts: &[Vec<Optional>]) -> Option<String> {
    let is = |one: &Optional, (kind, name): Choice<'_>| match one {
        Optional::Extra(known) => kind == "extra" && name.parse().is_ok_and(|name: ExtraName| name == *known),
        Optional::Group(known) => kind == "group" && name.parse().is_ok_and(|name: ExtraName| name == *known),
    };
    let ((kind, name), (by_kind, by)) = (way.stands_in, way.chosen);
    let set = conflicts.iter().find(|set| set.iter().any(|one| is(one, way.stands_in)))?;
    if way.stands_in == way.chosen || set.iter().any(|one| is(one, way.chosen)) {
        return None;
    }
    Some(format!(
        "{by_kind} {by} includes {kind} {name}, which excludes others: leave {by} out, or name it in conflicts too"
    ))
}

/// The extra or the group of a pyproject.toml that an entry is of: `project.optional-dependencies.NAME[0]`.
fn choice(entry: &str) -> Option<Choice<'_>> {
    let kinds = [("project.optional-dependencies.", "extra"), ("dependency-groups.", "group")];
    let (kind, rest) =
        kinds.into_iter().find_map(|(table, kind)| Some((kind, entry.strip_prefix(table)?)))?;
    let name = rest.rsplit_once('[').map_or(rest, |(name, _)| name);
    Some((kind, name.trim_matches(['"', '\''])))
}
