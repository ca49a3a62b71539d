//! Raw numbers kept as JSON, and the tables made of them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::measure::Sample;
use crate::scenario::Scenario;
use crate::stats::{Ratio, geometric_mean, median, ratio};
use crate::tools::Tool;

/// One scenario of one workload in one place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// `tmpfs` or `disk`.
    pub place: String,
    /// The workload.
    pub workload: String,
    /// The scenario.
    pub scenario: Scenario,
    /// What each tool used, in the order of rounds.
    pub samples: BTreeMap<Tool, Vec<Sample>>,
}

/// A whole run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Run {
    /// Seconds since 1970.
    pub when: u64,
    /// Cores, kernel, and how busy the machine was.
    pub machine: String,
    /// What each tool calls itself.
    pub versions: Vec<String>,
    /// Milliseconds before each answer of the index.
    pub latency: u64,
    /// Whether the index had no metadata files.
    pub bare: bool,
    /// The measurements.
    pub rows: Vec<Row>,
    /// What was compared besides time.
    pub fairness: Vec<String>,
    /// What was tampered with, and what came of it.
    pub safety: Vec<String>,
}

/// What the ratio to a peer is to be at most.
struct Bar {
    scenarios: &'static [Scenario],
    peer: Tool,
    wall: f64,
    cpu: Option<f64>,
}

const BARS: &[Bar] = &[
    Bar { scenarios: &[Scenario::InstallCold], peer: Tool::Uv, wall: 0.50, cpu: Some(0.50) },
    Bar { scenarios: &[Scenario::InstallNoCache], peer: Tool::Uv, wall: 0.50, cpu: Some(0.45) },
    Bar { scenarios: &[Scenario::InstallWarm], peer: Tool::UvCopy, wall: 0.80, cpu: Some(0.85) },
    Bar { scenarios: &[Scenario::InstallWarm], peer: Tool::Uv, wall: 2.5, cpu: None },
    Bar { scenarios: &[Scenario::InstallNothing], peer: Tool::Uv, wall: 0.90, cpu: Some(0.90) },
    Bar { scenarios: &[Scenario::LockCold], peer: Tool::Uv, wall: 0.90, cpu: Some(0.90) },
    Bar { scenarios: &[Scenario::LockWarm], peer: Tool::Uv, wall: 0.80, cpu: Some(0.80) },
    Bar {
        scenarios: &[Scenario::UniversalCold, Scenario::UniversalWarm],
        peer: Tool::Uv,
        wall: 0.80,
        cpu: Some(0.80),
    },
    Bar { scenarios: &[Scenario::Start], peer: Tool::Uv, wall: 1.0, cpu: Some(1.0) },
    Bar { scenarios: &[Scenario::InstallCold, Scenario::LockCold], peer: Tool::Pip, wall: 0.10, cpu: None },
    Bar { scenarios: &[Scenario::InstallCold], peer: Tool::PipCompiling, wall: 0.10, cpu: None },
    Bar { scenarios: &[Scenario::InstallCold], peer: Tool::Limit, wall: 2.0, cpu: None },
];

impl Row {
    fn of(&self, tool: Tool, part: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.samples.get(&tool).into_iter().flatten().map(part).collect()
    }

    fn ratio(&self, peer: Tool, part: impl Fn(&Sample) -> f64 + Copy) -> Option<Ratio> {
        ratio(&self.of(Tool::Pipward, part), &self.of(peer, part))
    }
}

/// Reads raw numbers.
pub fn read(path: &Path) -> Result<Run> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// The run as Markdown.
pub fn markdown(run: &Run) -> String {
    let mut text = format!(
        "Versions: {}. Machine: {}. Latency of the index: {} ms, {} metadata files.\n\n",
        run.versions.join(", "),
        run.machine,
        run.latency,
        if run.bare { "without" } else { "with" }
    );
    text += &bars(run);
    text += "\n| place | workload | scenario | tool | wall s | CPU s | peak MiB | cache MiB | wall, pipward to it | CPU, pipward to it |\n|---|---|---|---|---|---|---|---|---|---|\n";
    for row in &run.rows {
        for (tool, samples) in &row.samples {
            let middle = |part: fn(&Sample) -> f64| median(samples.iter().map(part));
            text += &format!(
                "| {} | {} | {} | {} | {:.3} | {:.3} | {:.0} | {:.0} | {} | {} |\n",
                row.place,
                row.workload,
                row.scenario.name(),
                tool.name(),
                middle(|sample| sample.wall),
                middle(|sample| sample.cpu),
                middle(|sample| sample.peak),
                middle(|sample| sample.cache),
                shown(row.ratio(*tool, |sample| sample.wall).filter(|_| *tool != Tool::Pipward)),
                shown(row.ratio(*tool, |sample| sample.cpu).filter(|_| *tool != Tool::Pipward)),
            );
        }
    }
    for (title, lines) in [("Fairness", &run.fairness), ("Safety", &run.safety)] {
        if !lines.is_empty() {
            text += &format!("\n{title}:\n\n");
            lines.iter().for_each(|line| text += &format!("- {line}\n"));
        }
    }
    text
}

fn shown(ratio: Option<Ratio>) -> String {
    ratio.map_or_else(String::new, |it| format!("{:.2} ({:.2} to {:.2})", it.middle, it.low, it.high))
}

/// The ratios that the project wants to reach, next to those that it reaches.
fn bars(run: &Run) -> String {
    let mut text = String::from(
        "| place | scenario | to | wall bar | wall | worst workload | CPU bar | CPU | worst workload | reached |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut places: Vec<&str> = run.rows.iter().map(|row| row.place.as_str()).collect();
    places.dedup();
    for place in places {
        for bar in BARS {
            for scenario in bar.scenarios {
                let rows = || run.rows.iter().filter(|row| row.place == place && row.scenario == *scenario);
                let wall = rows().filter_map(|row| Some((row.ratio(bar.peer, |it| it.wall)?.middle, row)));
                let cpu = rows().filter_map(|row| Some((row.ratio(bar.peer, |it| it.cpu)?.middle, row)));
                let (wall, cpu) = (Figure::of(wall), Figure::of(cpu));
                let Some((wall, cpu)) = wall.zip(cpu) else { continue };
                let reached = wall.within(bar.wall) && bar.cpu.is_none_or(|most| cpu.within(most));
                text += &format!(
                    "| {place} | {} | {} | {:.2} | {:.2} | {:.2} {} | {} | {:.2} | {:.2} {} | {} |\n",
                    scenario.name(),
                    bar.peer.name(),
                    bar.wall,
                    wall.mean,
                    wall.worst,
                    wall.workload,
                    bar.cpu.map_or_else(|| "-".to_owned(), |most| format!("{most:.2}")),
                    cpu.mean,
                    cpu.worst,
                    cpu.workload,
                    if reached { "yes" } else { "**no**" },
                );
            }
        }
    }
    text
}

struct Figure {
    mean: f64,
    worst: f64,
    workload: String,
}

impl Figure {
    fn of<'a>(ratios: impl Iterator<Item = (f64, &'a Row)>) -> Option<Self> {
        let ratios: Vec<_> = ratios.collect();
        let mean = geometric_mean(&ratios.iter().map(|(ratio, _)| *ratio).collect::<Vec<_>>())?;
        let (worst, row) = ratios.into_iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(Self { mean, worst, workload: row.workload.clone() })
    }

    /// No single workload is slower than the peer where the bar is below it.
    fn within(&self, bar: f64) -> bool {
        self.mean <= bar && (bar >= 1.0 || self.worst <= 1.0)
    }
}

/// Two runs next to each other: pipward's medians, and the later to the earlier.
pub fn compare(before: &Run, after: &Run) -> String {
    let mut text = String::from(
        "| place | workload | scenario | wall before | after | ratio | CPU before | after | ratio |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for new in &after.rows {
        let same = |old: &&Row| {
            (&old.place, &old.workload, old.scenario) == (&new.place, &new.workload, new.scenario)
        };
        let Some(old) = before.rows.iter().find(same) else { continue };
        let pair = |part: fn(&Sample) -> f64| {
            let (old, new) = (median(old.of(Tool::Pipward, part)), median(new.of(Tool::Pipward, part)));
            format!("{old:.3} | {new:.3} | {:.2}", new / old.max(1e-9))
        };
        text += &format!(
            "| {} | {} | {} | {} | {} |\n",
            new.place,
            new.workload,
            new.scenario.name(),
            pair(|sample| sample.wall),
            pair(|sample| sample.cpu)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(ours: f64, theirs: f64) -> Run {
        let sample = |wall: f64| Sample { wall, cpu: wall, peak: 10.0, cache: 1.0 };
        let samples =
            BTreeMap::from([(Tool::Pipward, vec![sample(ours); 3]), (Tool::Uv, vec![sample(theirs); 3])]);
        let row = |workload: &str| Row {
            place: "tmpfs".to_owned(),
            workload: workload.to_owned(),
            scenario: Scenario::InstallCold,
            samples: samples.clone(),
        };
        Run { rows: vec![row("docs"), row("jupyter")], ..Run::default() }
    }

    #[test]
    fn a_bar_is_reached_or_not() {
        let line =
            |text: &str| text.lines().find(|line| line.contains("| install cold | uv |")).unwrap().to_owned();
        assert!(line(&bars(&run(0.4, 1.0))).ends_with("| yes |"));
        assert!(line(&bars(&run(0.6, 1.0))).ends_with("| **no** |"));
    }

    #[test]
    fn one_slow_workload_misses_a_bar() {
        let figure = Figure { mean: 0.5, worst: 1.1, workload: String::new() };
        assert!(!figure.within(0.8));
        assert!(figure.within(2.0));
    }

    #[test]
    fn numbers_survive_the_way_through_a_file() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("run.json");
        std::fs::write(&path, serde_json::to_vec(&run(1.0, 2.0)).unwrap()).unwrap();
        let read = read(&path).unwrap();
        assert_eq!(markdown(&read), markdown(&run(1.0, 2.0)));
        assert!(compare(&read, &run(0.5, 2.0)).contains("| 1.000 | 0.500 | 0.50 |"));
    }
}
