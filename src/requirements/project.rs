//! The dependencies of a pyproject.toml: `[project]` (PEP 621) and `[dependency-groups]` (PEP 735).
//!
//! Never: asks a build backend, so dynamic dependencies are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pipward_resolver::{ExtraName, MarkerTree, PackageName};

use super::entry;
use super::{FileRequirement, Project, ProjectSelection};
use crate::document::{self, Item, Reading, Table};
use crate::error::{Code, Place, Problem, Problems};

/// How many requirements a project may come to: extras that name each other multiply.
const MAX_REQUIREMENTS: usize = 100_000;
/// What stands between an entry and the one that includes it.
pub(crate) const INCLUDED_BY: &str = ", by ";
/// How many references to its own extras, told apart by their markers, a project may have.
const MAX_REFERENCES: usize = 2000;

pub(super) fn read(path: &Path, select: &ProjectSelection) -> Result<Project, Problems> {
    let bytes = document::read_bytes(path, document::MAX_DOCUMENT, Code::RequirementSyntax)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Problem::new(Code::RequirementSyntax, "this file is not UTF-8")
            .at(Place::file(path))
            .help("save the file as UTF-8")
    })?;
    let project = parse(&text, path, select)?;
    Ok(Project { originals: document::Originals::of(path, text.into_bytes()), ..project })
}

pub(super) fn parse(text: &str, path: &Path, select: &ProjectSelection) -> Result<Project, Problems> {
    let entries = document::parse(text, path, Code::RequirementSyntax)?;
    let reading = Reading::new(text, path, Code::RequirementSyntax);
    let root = Table::root(&reading, &entries);
    let project_item = root.get("project");
    let project = project_item.as_ref().and_then(Item::table);
    let groups_item = root.get("dependency-groups");
    let groups = groups_item.as_ref().and_then(Item::table);

    let mut found = Found { name: None, extras: BTreeMap::new(), groups: BTreeMap::new() };
    let mut roots = Vec::new();
    let mut requires_python = None;
    if let Some(project) = &project {
        check_dynamic(project, select);
        found.name = project.get("name").and_then(|item| item.parsed("the name of a project"));
        requires_python = project
            .get("requires-python")
            .and_then(|item| item.parsed("a list of version specifiers such as >=3.9"));
        let dependencies = project.get("dependencies").map(|item| requirements(&item)).unwrap_or_default();
        roots = if select.without_project { Vec::new() } else { dependencies };
        found.read_extras(project);
    }
    if let Some(groups) = &groups {
        found.read_groups(groups, select);
    }
    let mut taken = BTreeSet::new();
    for group in chosen(&select.groups, select.all_groups, found.groups.keys()) {
        found.group(&reading, (&group, None), &mut Vec::new(), &mut taken, &mut roots);
    }
    let extras = chosen(&select.extras, select.all_extras, found.extras.keys());
    for extra in &extras {
        match found.extras.get(extra) {
            Some(requirements) => roots.extend(requirements.iter().cloned()),
            None => reading.report(unknown(&reading, "extra", extra, found.extras.keys())),
        }
    }
    let requirements = found.resolved(&reading, roots, &extras);
    let (problems, _) = reading.into_findings();
    let project = Project {
        requirements,
        name: found.name.clone(),
        extras: found.extras.keys().cloned().collect(),
        groups: found.groups.keys().cloned().collect(),
        requires_python,
        path: path.to_owned(),
        ..Project::default()
    };
    Problems::unless_empty(project, problems)
}

/// The names asked for, normalised, each once, in order.
fn chosen<'a>(names: &[String], all: bool, known: impl Iterator<Item = &'a ExtraName>) -> Vec<ExtraName> {
    let mut seen = BTreeSet::new();
    let all = known.filter(|_| all).cloned();
    // A name that is none is told as unknown, by the name nearest to it.
    let named = names.iter().filter_map(|name| ExtraName::new(name.clone()).ok());
    named.chain(all).filter(|name| seen.insert(name.clone())).collect()
}

fn unknown<'a>(
    reading: &Reading<'_>,
    what: &str,
    name: &ExtraName,
    known: impl Iterator<Item = &'a ExtraName>,
) -> Problem {
    let known: Vec<String> = known.map(ToString::to_string).collect();
    Problem::new(Code::UnknownExtra, format!("the project has no {what} `{name}`"))
        .at(reading.place(0, ""))
        .expected(if known.is_empty() { "none".to_owned() } else { known.join(", ") })
        .found(name)
        .help(format!("look at the spelling, or leave the {what} out"))
}

fn includes_unknown(name: &ExtraName, by: &ExtraName, unknown: &Problem) -> Problem {
    let message =
        format!("the dependency group `{by}` includes `{name}`, and there is no dependency group `{name}`");
    Problem::new(Code::UnknownExtra, message)
        .expected(unknown.expected_text().unwrap_or_default())
        .found(name)
        .help("look at the spelling, or delete the include")
}

/// PEP 621: what `dynamic` lists is known to the build backend alone.
fn check_dynamic(project: &Table<'_, '_>, select: &ProjectSelection) {
    let asks_extras = select.all_extras || !select.extras.is_empty();
    for item in project.get("dynamic").map(|item| item.items()).unwrap_or_default() {
        let what = item.text().unwrap_or_default();
        if (what == "dependencies" && !select.without_project)
            || (what == "optional-dependencies" && asks_extras)
        {
            item.reading.report(
                Problem::new(
                    Code::RequirementUnsupported,
                    format!("`{what}` is dynamic: only the project's build backend knows it, and asking runs its code"),
                )
                .at(item.place())
                .help("write the dependencies into [project], or into a requirements file"),
            );
        }
    }
}

/// Reads an array of PEP 508 strings.
pub(super) fn requirements(item: &Item<'_, '_>) -> Vec<FileRequirement> {
    item.items().iter().filter_map(requirement).collect()
}

fn requirement(item: &Item<'_, '_>) -> Option<FileRequirement> {
    entry::read(item.text()?, &[], &item.place()).map_err(|problem| item.reading.report(problem)).ok()
}

/// One entry of a dependency group (PEP 735, "Specification").
enum Member {
    Requirement(Box<FileRequirement>),
    Include(ExtraName, Place),
}

struct Found {
    name: Option<PackageName>,
    extras: BTreeMap<ExtraName, Vec<FileRequirement>>,
    groups: BTreeMap<ExtraName, Vec<Member>>,
}

impl Found {
    fn read_extras(&mut self, project: &Table<'_, '_>) {
        let item = project.get("optional-dependencies");
        let Some(table) = item.as_ref().and_then(Item::table) else { return };
        for (key, item) in table.all() {
            if let Some(name) = name_of(key, &item, "an extra")
                && self.extras.insert(name, requirements(&item)).is_some()
            {
                doubled(key, &item, "extra");
            }
        }
    }

    /// "Tools … SHOULD NOT eagerly validate" groups: what is not asked for is known by its name alone.
    fn read_groups(&mut self, table: &Table<'_, '_>, select: &ProjectSelection) {
        let read = (!select.all_groups).then(|| included(table, &select.groups));
        for (key, item) in table.all() {
            let is_read = read
                .as_ref()
                .is_none_or(|read| ExtraName::new(key.to_owned()).is_ok_and(|name| read.contains(&name)));
            let members = if is_read { item.items().iter().filter_map(member).collect() } else { Vec::new() };
            // "Tools … SHOULD … raise an error if normalized names are duplicated."
            if let Some(name) = name_of(key, &item, "a dependency group")
                && self.groups.insert(name, members).is_some()
            {
                doubled(key, &item, "dependency group");
            }
        }
    }

    /// Adds the requirements of a group to `all`, its includes followed; with where it is included, if it is. `within` are the groups being
    /// read; those of `taken` were read whole and are not read again, so that groups which include
    /// each other many times over end.
    fn group(
        &self,
        reading: &Reading<'_>,
        (name, place): (&ExtraName, Option<&Place>),
        within: &mut Vec<ExtraName>,
        taken: &mut BTreeSet<ExtraName>,
        all: &mut Vec<FileRequirement>,
    ) {
        if taken.contains(name) {
            return;
        }
        let Some(members) = self.groups.get(name) else {
            let problem = unknown(reading, "dependency group", name, self.groups.keys());
            reading.report(match (within.last(), place) {
                (Some(by), Some(place)) => includes_unknown(name, by, &problem).at(place.clone()),
                _ => problem,
            });
            return;
        };
        within.push(name.clone());
        for member in members {
            match member {
                Member::Requirement(requirement) => all.push(FileRequirement::clone(requirement)),
                // "Dependency Group Includes … MUST NOT … include cycles."
                Member::Include(other, place) if within.contains(other) => reading.report(
                    Problem::new(
                        Code::RequirementSyntax,
                        format!("the dependency group `{other}` includes itself"),
                    )
                    .at(place.clone())
                    .help("delete one of the includes"),
                ),
                Member::Include(other, place) if all.len() < MAX_REQUIREMENTS && within.len() < 64 => {
                    self.group(reading, (other, Some(place)), within, taken, all);
                }
                Member::Include(_, place) => too_many(reading, place),
            }
        }
        within.pop();
        taken.insert(name.clone());
    }

    /// Replaces `project[extra]` by the requirements of that extra. Those of `taken` are among the roots.
    fn resolved(
        &self,
        reading: &Reading<'_>,
        roots: Vec<FileRequirement>,
        taken: &[ExtraName],
    ) -> Vec<FileRequirement> {
        let mut resolved = Vec::new();
        let mut seen: BTreeSet<(ExtraName, MarkerTree)> =
            taken.iter().map(|extra| (extra.clone(), MarkerTree::TRUE)).collect();
        let mut open: Vec<FileRequirement> = roots.into_iter().rev().collect();
        while let Some(next) = open.pop() {
            if Some(&next.requirement.name) != self.name.as_ref() {
                resolved.push(next);
                continue;
            }
            for extra in next.requirement.extras.iter().rev() {
                let marker = &next.requirement.marker;
                // Under no marker it was taken whole, which any marker only narrows.
                let whole = seen.contains(&(extra.clone(), MarkerTree::TRUE));
                if whole || !seen.insert((extra.clone(), marker.clone())) {
                    continue;
                }
                let Some(requirements) = self.extras.get(extra) else {
                    reading
                        .report(unknown(reading, "extra", extra, self.extras.keys()).at(next.place.clone()));
                    continue;
                };
                for requirement in requirements.iter().rev() {
                    let mut requirement = requirement.clone();
                    requirement.requirement.marker.and(marker.clone());
                    requirement.place = included_by(requirement.place, &next.place);
                    open.push(requirement);
                }
            }
            if open.len() + resolved.len() > MAX_REQUIREMENTS || seen.len() > MAX_REFERENCES {
                too_many(reading, &next.place);
                break;
            }
        }
        resolved
    }
}

/// Where a requirement of an extra stands, and the requirement that includes the extra.
fn included_by(place: Place, by: &Place) -> Place {
    match (&place.entry, &by.entry) {
        (Some(entry), Some(by)) => {
            let told = format!("{entry}{INCLUDED_BY}{by}");
            place.entry(told)
        }
        _ => place,
    }
}

/// The groups that are asked for, and those that they include.
fn included(table: &Table<'_, '_>, asked: &[String]) -> BTreeSet<ExtraName> {
    let includes = |item: &Item<'_, '_>| -> Vec<String> {
        let members = item.value.as_array().into_iter().flatten();
        let groups = members.filter_map(|member| {
            let table = member.get_ref().as_table()?;
            table
                .iter()
                .find(|(key, _)| key.get_ref() == "include-group")?
                .1
                .get_ref()
                .as_str()
                .map(str::to_owned)
        });
        groups.collect()
    };
    let mut open = asked.to_vec();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Ok(name) = ExtraName::new(name) else { continue };
        if !seen.insert(name.clone()) {
            continue;
        }
        let same = |key: &str| ExtraName::new(key.to_owned()).is_ok_and(|key| key == name);
        open.extend(table.all().filter(|(key, _)| same(key)).flat_map(|(_, item)| includes(&item)));
    }
    seen
}

fn too_many(reading: &Reading<'_>, place: &Place) {
    reading.report(
        Problem::new(Code::RequirementSyntax, "the groups or extras of this project include too many others")
            .at(place.clone())
            .expected(format!("at most {MAX_REQUIREMENTS} requirements")),
    );
}

fn name_of(key: &str, item: &Item<'_, '_>, what: &str) -> Option<ExtraName> {
    let name = ExtraName::new(key.to_owned()).ok();
    if name.is_none() {
        item.reading.fault(item.place(), format!("`{}` is not the name of {what}", entry::excerpt(key)));
    }
    name
}

fn doubled(key: &str, item: &Item<'_, '_>, what: &str) {
    item.reading.fault(item.place(), format!("there are two of the {what} `{}`", entry::excerpt(key)));
}

/// "Strings … MUST be valid Dependency Specifiers"; tables have one key, `include-group`.
fn member(item: &Item<'_, '_>) -> Option<Member> {
    if !item.value.is_table() {
        return requirement(item).map(Box::new).map(Member::Requirement);
    }
    let table = item.table()?;
    let include = table.required("include-group")?.parsed("the name of a dependency group")?;
    if table.entries.len() > 1 {
        item.reading.fault(item.place(), "an include has one key, `include-group`");
    }
    Some(Member::Include(include, item.place()))
}
