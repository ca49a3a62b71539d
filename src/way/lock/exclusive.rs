//! Extras and groups that leave no solution together: the words that let them live in one lock.

use std::collections::BTreeSet;

use pipward_resolver::{Explanation, Origin};

const USUAL: &str = "loosen one of the requirements named, or lock for other Pythons";

/// What helps where a story ends without a solution.
pub(super) fn way_out(story: &Explanation) -> String {
    let choices: BTreeSet<(&str, &str)> =
        story.facts.iter().filter_map(|fact| choice(fact.origin.as_ref()?)).collect();
    if choices.len() < 2 {
        return USUAL.to_owned();
    }
    let named: Vec<String> = choices.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
    let set: Vec<String> = choices.iter().map(|(kind, name)| format!("{{ {kind} = \"{name}\" }}")).collect();
    format!(
        "{USUAL}; if {} are never used together, say so in pyproject.toml, under [tool.pipward]: conflicts = [[{}]]",
        named.join(" and "),
        set.join(", ")
    )
}

/// The extra or the group of a pyproject.toml that a requirement stands in: `project.optional-dependencies.NAME[0]`.
fn choice(origin: &Origin) -> Option<(&'static str, &str)> {
    let Origin::File { entry: Some(entry), .. } = origin else { return None };
    let kinds = [("project.optional-dependencies.", "extra"), ("dependency-groups.", "group")];
    let (kind, rest) =
        kinds.into_iter().find_map(|(table, kind)| Some((kind, entry.strip_prefix(table)?)))?;
    let name = rest.rsplit_once('[').map_or(rest, |(name, _)| name);
    Some((kind, name.trim_matches(['"', '\''])))
}
