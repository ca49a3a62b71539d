//! A lock, or an environment -> what there is to count of each of its distributions.
//!
//! Never: reads a file of a distribution that was installed; sizes are asked for.

use super::deep::{Looked, is_native};
use super::{Sight, metadata, parsed, wheels};
use crate::error::{Place, Problem, Problems};
use crate::lock::Lock;
use crate::python::installed::distribution::Found;
use crate::survey::graph::Graph;
use crate::survey::stats::Row;
use crate::way::look::Look;
use crate::wheel::about::About;
use crate::wheel::licenses::License;

/// Counts what a lock holds; files where its wheels were looked into.
///
/// # Errors
/// As [`metadata`].
pub fn count_lock(lock: &Lock, sight: &Sight, looked: &[Looked]) -> Result<Vec<Row>, Problems> {
    let texts = metadata(lock, sight)?;
    let direct = Graph::of_lock(lock, &parsed(&texts)).asked_for();
    let rows = lock.packages.iter().zip(texts).enumerate().map(|(at, (package, text))| {
        let files = wheels(package);
        let looked: Vec<&Looked> = looked.iter().filter(|looked| looked.package == at).collect();
        let sum = |of: fn(&Looked) -> u64| {
            let all = looked.iter().map(|one| of(one));
            (!looked.is_empty()).then(|| all.fold(0, u64::saturating_add))
        };
        let sized = files
            .iter()
            .filter_map(|file| file.size)
            .fold(None, |sum: Option<u64>, size| Some(sum.unwrap_or_default().saturating_add(size)));
        Row {
            name: package.name.to_string(),
            version: package.version.as_ref().map(ToString::to_string).unwrap_or_default(),
            is_direct: direct.contains(&at),
            license: text.map(|text| License::of(&About::parse(&text))),
            wheels: files.len() as u64,
            bytes: sum(|looked| looked.size).or(sized),
            files: sum(|looked| looked.files),
            native: sum(|looked| looked.native),
            unpacked: sum(|looked| looked.unpacked),
            place: package.place.clone(),
        }
    });
    Ok(rows.collect())
}

/// Counts what an environment holds.
///
/// # Errors
/// `internal` where nobody tells the markers.
pub fn count_environment(look: &Look) -> Result<Vec<Row>, Problem> {
    let (graph, _) = super::graph_of_environment(look)?;
    let direct = graph.asked_for();
    let is_direct = |name: &str| graph.named(name).iter().any(|at| direct.contains(at));
    let mut found: Vec<&Found> = look.environment.distributions.iter().collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found.into_iter().map(|found| row(found, is_direct(&found.name))).collect())
}

fn row(found: &Found, is_direct: bool) -> Row {
    let about = About::of(|name| found.message().all(name).map(str::to_owned).collect());
    let files = found.declared_files();
    let size = |path: &String| {
        let there = std::fs::symlink_metadata(found.location().join(path)).ok();
        there.filter(std::fs::Metadata::is_file).map_or(0, |there| there.len())
    };
    let sum = |files: &Vec<String>| files.iter().map(size).fold(0, u64::saturating_add);
    Row {
        name: found.name.clone(),
        version: found.shown_version(),
        is_direct,
        license: Some(License::of(&about)),
        wheels: 0,
        bytes: None,
        native: files.as_ref().map(|files| files.iter().filter(|path| is_native(path)).count() as u64),
        unpacked: files.as_ref().map(sum),
        files: files.map(|files| files.len() as u64),
        place: Place::file(&found.info),
    }
}
