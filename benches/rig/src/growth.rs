//! Growth curves: how time and memory follow the number of wheels, the size of a graph, and the number of forks.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::corpus::Corpus;
use crate::made;
use crate::measure::Sample;
use crate::scenario::{Scenario, Stand};
use crate::server::{Manner, Served};
use crate::stats::median;
use crate::svg::{Line, plot};
use crate::tools::{Ground, Programs, Tool};

/// Numbers of wheels.
const WHEELS: &[usize] = &[10, 30, 100, 300, 1000, 3000];
/// Who is drawn.
const TOOLS: &[Tool] = &[Tool::Pipward, Tool::Uv];

/// One curve: what each tool used at each size.
type Curve = Vec<(Tool, Vec<(usize, Sample)>)>;

/// Measures all curves and writes them as SVG into `plots`. Returns a table.
pub fn curves(
    corpus: &Corpus,
    programs: &Programs,
    scratch: &Path,
    plots: &Path,
    rounds: usize,
) -> Result<String> {
    std::fs::create_dir_all(plots)?;
    made::make(corpus)?;
    let server = Served::start(corpus, &Manner::default())?;
    let site = Site { corpus, programs, scratch, index: &server.index, rounds };
    let installs = site.curve(WHEELS, Scenario::InstallCold, |_| String::new())?;
    let graphs = site.curve(made::GRAPHS, Scenario::LockCold, |count| made::graph_root(count) + "\n")?;
    let forks = site.curve(made::FORKS, Scenario::UniversalCold, made::forking)?;
    let mut slopes = String::new();
    let mut table =
        String::from("| curve | tool | size | wall s | CPU s | peak MiB |\n|---|---|---|---|---|---|\n");
    for (name, title, x, curve) in [
        ("install", "Installing tiny wheels", "wheels", &installs),
        ("graph", "Locking a graph", "projects", &graphs),
        ("forks", "Locking forks", "forks", &forks),
    ] {
        draw(plots, &format!("{name}-time.svg"), title, x, "CPU seconds", curve, |it| it.cpu)?;
        draw(plots, &format!("{name}-memory.svg"), title, x, "MiB at the peak", curve, |it| it.peak)?;
        for (tool, points) in curve {
            slopes += &slope(title, *tool, points);
            for (size, it) in points {
                let name = tool.name();
                table += &format!(
                    "| {title} | {name} | {size} | {:.3} | {:.3} | {:.0} |\n",
                    it.wall, it.cpu, it.peak
                );
            }
        }
    }
    Ok(table
        + "\n| curve | tool | exponent of CPU | ms of CPU each | exponent of memory |\n|---|---|---|---|---|\n"
        + &slopes)
}

/// How a curve ends, from the last size but one to the last: 1 is linear, 2 quadratic.
fn slope(title: &str, tool: Tool, points: &[(usize, Sample)]) -> String {
    let [.., (before, was), (size, is)] = points else { return String::new() };
    let (before, size) = (*before as f64, *size as f64);
    let exponent = |was: f64, is: f64| (is / was).ln() / (size / before).ln();
    let each = (is.cpu - was.cpu) / (size - before) * 1000.0;
    let (cpu, peak) = (exponent(was.cpu, is.cpu), exponent(was.peak, is.peak));
    format!("| {title} | {} | {cpu:.2} | {each:.3} | {peak:.2} |\n", tool.name())
}

struct Site<'a> {
    corpus: &'a Corpus,
    programs: &'a Programs,
    scratch: &'a Path,
    index: &'a str,
    rounds: usize,
}

impl Site<'_> {
    fn curve(&self, sizes: &[usize], scenario: Scenario, roots: impl Fn(usize) -> String) -> Result<Curve> {
        let mut curve: Curve = TOOLS.iter().map(|tool| (*tool, Vec::new())).collect();
        for &size in sizes {
            let mut stands = Vec::new();
            for tool in TOOLS {
                let directory = self.scratch.join(tool.name());
                Ground::clear(&directory)?;
                let ground = Ground::new(directory, self.index)?;
                std::fs::write(ground.requirements(), roots(size))?;
                let lock = self.scratch.join("pylock.toml");
                if scenario == Scenario::InstallCold {
                    std::fs::write(&lock, self.lock(size)?)?;
                }
                stands.push(Stand::new(scenario, *tool, ground, lock.clone(), lock));
            }
            let mut samples = vec![Vec::new(); stands.len()];
            for _ in 0..self.rounds {
                for (stand, samples) in stands.iter_mut().zip(&mut samples) {
                    samples.extend(stand.run(self.programs)?);
                }
            }
            for ((_, points), samples) in curve.iter_mut().zip(&samples) {
                let middle = |part: fn(&Sample) -> f64| median(samples.iter().map(part));
                let (wall, cpu) = (middle(|it| it.wall), middle(|it| it.cpu));
                points.push((size, Sample { wall, cpu, peak: middle(|it| it.peak), cache: 0.0 }));
            }
        }
        Ok(curve)
    }

    /// A lock of the first so many made wheels.
    fn lock(&self, count: usize) -> Result<String> {
        let host = self.index.trim_end_matches("simple/");
        let mut lock = String::from("lock-version = \"1.0\"\ncreated-by = \"rig\"\n");
        for number in 0..count {
            let (file, sha256) = made::wheel(self.corpus, number)?;
            lock += &format!(
                "\n[[packages]]\nname = \"{}\"\nversion = \"1.0\"\nwheels = [{{ name = \"{file}\", url = \"{host}files/{file}\", hashes = {{ sha256 = \"{sha256}\" }} }}]\n",
                made::name(number)
            );
        }
        Ok(lock)
    }
}

fn draw(
    plots: &Path,
    file: &str,
    title: &str,
    x: &str,
    y: &str,
    curve: &Curve,
    part: fn(&Sample) -> f64,
) -> Result<()> {
    let lines: Vec<Line> = curve
        .iter()
        .map(|(tool, points)| Line {
            name: tool.name().to_owned(),
            points: points.iter().map(|(size, sample)| (*size as f64, part(sample))).collect(),
        })
        .collect();
    std::fs::write(plots.join(file), plot(title, x, y, &lines)).with_context(|| file.to_owned())
}
