//! The measuring rig: pipward side by side with uv and pip. `README.md` of this crate tells how it is run.

mod corpus;
mod fairness;
mod freeze;
mod growth;
mod limit;
mod made;
mod measure;
mod report;
mod safety;
mod scenario;
mod server;
mod side_by_side;
mod stats;
mod svg;
mod tools;
mod workload;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};

use corpus::Corpus;
use report::Run;
use scenario::Scenario;
use server::{Manner, Served};
use side_by_side::Plan;
use tools::{Action, Ground, Programs, Tool, command};
use workload::{Kind, Workload};

/// Measures pipward next to uv and pip, over an index that is frozen and served from loopback.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Fill the corpus from PyPI, once.
    Freeze(Common),
    /// Run the tools in turn, and write `run.json` and `run.md`.
    Run {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        manner: Manner,
        /// Scenarios; all, if none is named.
        #[arg(long, value_delimiter = ',')]
        scenarios: Vec<Scenario>,
        /// Rounds that count.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Rounds of pip.
        #[arg(long, default_value_t = 1)]
        pip_rounds: usize,
        /// Directories to install into, by the name of the place: `tmpfs=/dev/shm,disk=target`.
        #[arg(long, value_delimiter = ',', default_value = "tmpfs=/dev/shm,disk=target/rig")]
        places: Vec<String>,
        /// Where the raw numbers are kept.
        #[arg(long, default_value = "target/rig/run.json")]
        keep: PathBuf,
        /// Leave out the tampering.
        #[arg(long)]
        no_safety: bool,
        /// Compile `rattler_installs_packages` once, and install with it too.
        #[arg(long)]
        rip: bool,
    },
    /// Measure growth curves, and draw them into `plots/`.
    Growth {
        #[command(flatten)]
        common: Common,
        /// Rounds of each point.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Where to install.
        #[arg(long, default_value = "/dev/shm")]
        place: PathBuf,
    },
    /// Print kept numbers as Markdown.
    Show { run: PathBuf },
    /// Compare the kept numbers of two runs.
    Compare { before: PathBuf, after: PathBuf },
    /// Serve a corpus (used by the others).
    Serve {
        corpus: PathBuf,
        #[command(flatten)]
        manner: Manner,
    },
    /// Run a program and write down what it used (used by the others).
    Launch {
        into: PathBuf,
        program: OsString,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Unpack wheels without any check (used by the others).
    Limit {
        #[arg(long)]
        into: PathBuf,
        wheels: Vec<PathBuf>,
    },
}

#[derive(clap::Args)]
struct Common {
    /// The release build of pipward.
    #[arg(long, default_value = "../target/release/pipward")]
    pipward: PathBuf,
    /// The interpreter of all environments.
    #[arg(long, default_value = "python3.12")]
    python: PathBuf,
    /// Where the frozen index lies.
    #[arg(long, default_value = "target/rig/corpus")]
    corpus: PathBuf,
    /// Where the peers are installed.
    #[arg(long, default_value = "target/rig/peers")]
    peers: PathBuf,
    /// Workloads; all, if none is named.
    #[arg(long, value_delimiter = ',')]
    workloads: Vec<String>,
}

impl Common {
    fn programs(&self) -> Result<Programs> {
        let told =
            Command::new(&self.python).args(["-I", "-c", "import sys; print(sys.executable)"]).output();
        let told = told.with_context(|| format!("starting {}", self.python.display()))?;
        anyhow::ensure!(
            told.status.success(),
            "{} does not start: name one with --python",
            self.python.display()
        );
        let python = PathBuf::from(String::from_utf8(told.stdout)?.trim());
        let pipward =
            self.pipward.canonicalize().context("build it with `cargo build --release`, or name it")?;
        let programs = Programs { pipward, peers: std::path::absolute(&self.peers)?, python, rip: None };
        programs.install_peers()?;
        Ok(programs)
    }

    fn corpus(&self) -> Result<Corpus> {
        Corpus::at(std::path::absolute(&self.corpus)?)
    }

    fn workloads(&self) -> Result<Vec<&'static Workload>> {
        if self.workloads.is_empty() {
            return Ok(workload::ALL.iter().collect());
        }
        let named = |name: &String| Workload::named(name).with_context(|| format!("no workload {name}"));
        self.workloads.iter().map(named).collect()
    }
}

fn main() -> Result<()> {
    match Arguments::parse().what {
        What::Freeze(common) => freeze(&common),
        What::Run { common, manner, scenarios, rounds, pip_rounds, places, keep, no_safety, rip } => {
            let (mut programs, corpus) = (common.programs()?, common.corpus()?);
            if rip {
                programs.build_rip(&std::path::absolute("target/rig/rip")?)?;
            }
            made::make(&corpus)?;
            let all = <Scenario as clap::ValueEnum>::value_variants();
            let scenarios = if scenarios.is_empty() { all.to_vec() } else { scenarios };
            let workloads = common.workloads()?;
            let plan = Plan {
                programs: &programs,
                corpus: &corpus,
                manner: &manner,
                workloads,
                scenarios,
                rounds,
                pip_rounds,
                keep: Some(&keep),
            };
            let mut run = begun(&programs, &manner)?;
            if !no_safety {
                run.safety = safety(&plan, &mut run.clone())?;
            }
            for place in &places {
                let (name, directory) = place.split_once('=').context("a place is NAME=DIRECTORY")?;
                let scratch = tempfile::Builder::new().prefix("rig-").tempdir_in(directory)?;
                side_by_side::place(&plan, name, &std::path::absolute(scratch.path())?, &mut run)?;
            }
            let table = report::markdown(&run);
            std::fs::write(keep.with_extension("md"), &table)?;
            println!("{table}");
            Ok(())
        }
        What::Growth { common, rounds, place } => {
            let scratch = tempfile::Builder::new().prefix("rig-").tempdir_in(place)?;
            let (programs, corpus) = (common.programs()?, common.corpus()?);
            let plots = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots");
            println!("{}", growth::curves(&corpus, &programs, scratch.path(), &plots, rounds)?);
            Ok(())
        }
        What::Show { run } => {
            println!("{}", report::markdown(&report::read(&run)?));
            Ok(())
        }
        What::Compare { before, after } => {
            println!("{}", report::compare(&report::read(&before)?, &report::read(&after)?));
            Ok(())
        }
        What::Serve { corpus, manner } => server::serve(Corpus::at(corpus)?, manner),
        What::Launch { into, program, arguments } => {
            std::process::exit(measure::launch(&into, &program, &arguments)?.into())
        }
        What::Limit { into, wheels } => limit::unpack(&wheels, &into),
    }
}

/// Each tool locks and installs each workload over a server that fetches what it does not have.
fn freeze(common: &Common) -> Result<()> {
    let (programs, corpus) = (common.programs()?, common.corpus()?);
    made::make(&corpus)?;
    let mut misses = Vec::new();
    for workload in common.workloads()?.into_iter().filter(|workload| workload.kind == Kind::Real) {
        for bare in [false, true] {
            if bare && !matches!(workload.name, "docs" | "jupyter") {
                continue;
            }
            let server = Served::start(&corpus, &Manner { record: true, bare, ..Manner::default() })?;
            for tool in [Tool::Pipward, Tool::Uv, Tool::Pip] {
                eprintln!(
                    "{}: {} locks{}",
                    workload.name,
                    tool.name(),
                    if bare { ", without metadata" } else { "" }
                );
                let scratch = tempfile::tempdir()?;
                let ground = Ground::new(scratch.path().to_owned(), &server.index)?;
                std::fs::write(ground.requirements(), workload.requirements())?;
                for universal in [false, true] {
                    let action = Action::Lock { universal, check: false };
                    let Some(mut command) = command(&programs, tool, &ground, action) else { continue };
                    let ended = measure::run(&mut command)?;
                    if !ended.ok {
                        misses.push(format!("{}: {}: {}", workload.name, tool.name(), ended.said));
                    }
                }
            }
            let plan = Plan {
                programs: &programs,
                corpus: &corpus,
                manner: &Manner::default(),
                workloads: Vec::new(),
                scenarios: Vec::new(),
                rounds: 0,
                pip_rounds: 0,
                keep: None,
            };
            let scratch = tempfile::tempdir()?;
            let locked =
                side_by_side::lock(&plan, workload, scratch.path(), &server.index, &mut Run::default())?;
            for lock in [&locked.lock, &locked.changed] {
                let ground = Ground::new(scratch.path().join("ground"), &server.index)?;
                ground.new_environment(&programs)?;
                let action = Action::Install { lock, cached: false };
                measure::succeed(
                    &mut command(&programs, Tool::Pipward, &ground, action).context("no command")?,
                )?;
            }
        }
    }
    if !misses.is_empty() {
        bail!("not everything could be locked:\n{}", misses.join("\n"));
    }
    Ok(())
}

fn begun(programs: &Programs, manner: &Manner) -> Result<Run> {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism()?;
    let kernel = text("/proc/sys/kernel/osrelease");
    let load = text("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    Ok(Run {
        when: std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs(),
        machine: format!("{cores} cores, Linux {}, load at the start {load}", kernel.trim()),
        versions: [Tool::Pipward, Tool::Uv, Tool::Pip]
            .into_iter()
            .chain(programs.rip.as_ref().map(|_| Tool::Rip))
            .map(|tool| programs.version(tool))
            .collect::<Result<_>>()?,
        latency: manner.latency,
        bare: manner.bare,
        ..Run::default()
    })
}

fn safety(plan: &Plan<'_>, run: &mut Run) -> Result<Vec<String>> {
    let Some(workload) = plan.workloads.iter().find(|workload| workload.kind == Kind::Real) else {
        return Ok(Vec::new());
    };
    let scratch = tempfile::tempdir()?;
    let server = Served::start(plan.corpus, &Manner::default())?;
    let locked = side_by_side::lock(plan, workload, &scratch.path().join("locks"), &server.index, run)?;
    safety::check(&safety::Case {
        corpus: plan.corpus,
        programs: plan.programs,
        directory: scratch.path().join("case"),
        requirements: workload.requirements(),
        wheel: side_by_side::a_wheel(&locked)?,
        changed: workload.changed,
    })
}
