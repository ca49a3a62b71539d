//! The command line: one file a command, each of them arguments -> request -> call -> report.
//!
//! Owns: what may be typed. Never: decides anything about a package, and never prints other
//! than through [`render`].

mod add;
mod audit;
mod audit_names;
mod cache;
mod check;
mod completion;
mod config;
mod debug;
mod diff;
mod download;
mod explain;
mod fault;
mod freeze;
mod hash;
mod index;
mod inspect;
mod install;
mod lab;
mod list;
mod lock;
mod looking;
mod man;
mod options;
mod pip;
mod releases;
mod remove;
pub mod render;
mod repair;
mod sbom;
mod shim;
mod show;
mod stats;
mod surveying;
mod sync;
mod tree;
mod uninstall;
mod unused;
mod verify;
mod verify_lock;
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::error::{Code, ExitClass, Problem, Problems};
use crate::threads::limited;
use options::OutputArgs;
use render::Printer;

const EXAMPLES: &str = "\
Examples:
  pipward lock 'flask>=3' -o pylock.toml       resolve, and write a lock with every hash
  pipward install -r pylock.toml --venv .venv  install exactly that into a new environment
  pipward install flask                        install one name, as ./pylock.toml pins it
  pipward verify .venv -r pylock.toml          re-hash every installed file
  pipward explain hash-mismatch                why a refusal exists, and what to do

Exit codes: 0 done; 1 refused, findings, or no solution; 2 wrong usage;
3 could not be completed (network, disk, a fault of pipward); 130 interrupted.";

/// Installs Python packages from a lock, and nothing that is not pinned and hashed in it.
#[derive(Parser)]
#[command(name = "pipward", version, about, after_help = EXAMPLES, max_term_width = 100, arg_required_else_help = true, infer_long_args = true, args_override_self = true)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Resolve requirements into a lock in which every file is pinned and hashed
    Lock(Box<lock::LockArgs>),
    /// Install what a lock selects for an environment, and nothing else
    Install(Box<install::InstallArgs>),
    /// Re-hash every installed file, against RECORD and against a lock
    Verify(verify::VerifyArgs),
    /// Tell what a change of a lock means
    Diff(Box<diff::DiffArgs>),
    /// Tell who needs whom, in a lock or an environment
    Tree(Box<tree::TreeArgs>),
    /// Tell every way that leads from what was asked for to a name
    Why(Box<why::WhyArgs>),
    /// Write a bill of materials of a lock: CycloneDX or SPDX
    Sbom(Box<sbom::SbomArgs>),
    /// Count what a lock or an environment holds, and tell licences
    Stats(Box<stats::StatsArgs>),
    /// Compare what a project imports with what its lock brings
    Unused(Box<unused::UnusedArgs>),
    /// Check who signed a lock
    VerifyLock(verify_lock::VerifyLockArgs),
    /// Tell what a code means, why the rule exists, and what to do
    Explain(explain::ExplainArgs),
    /// Watch attacks that have happened, on this machine: what pip does, and what pipward says
    Lab(lab::LabArgs),
    /// Print the hash of files, as pip prints it
    Hash(hash::HashArgs),
    /// Put links named pip into an environment or a folder
    Shim(shim::ShimArgs),
    /// What an index has
    Index(index::IndexArgs),
    /// Look at the cache, and remove from it
    Cache(cache::CacheCommandArgs),
    /// Look at pip's configuration files, and change them
    Config(config::ConfigArgs),
    /// Tell what is known of the environment
    Debug(debug::DebugArgs),
    /// Print a script that completes commands in a shell
    Completion(completion::CompletionArgs),
    /// Write manual pages
    Man(man::ManArgs),
    /// Put requirements into the inputs, lock them, and install
    Add(Box<add::AddArgs>),
    /// Take requirements out of the inputs, the lock and the environment
    Remove(Box<remove::RemoveArgs>),
    /// Fetch and verify what a lock selects, into a folder
    Download(Box<download::DownloadArgs>),
    /// Make an environment exactly what a lock selects
    Sync(sync::SyncArgs),
    /// Settle what an interrupted change left of an environment
    Repair(repair::RepairArgs),
    /// Take installed distributions out
    Uninstall(uninstall::UninstallArgs),
    /// List what is installed
    List(list::ListArgs),
    /// Print what is installed as requirements
    Freeze(freeze::FreezeArgs),
    /// Show what installed distributions say of themselves
    Show(show::ShowArgs),
    /// Check that what is installed has what it requires
    Check(check::CheckArgs),
    /// Look for known vulnerabilities and malware in a lock or an environment
    Audit(Box<audit::AuditArgs>),
    /// Look up whether internal names are on the public index too
    AuditNames(audit_names::AuditNamesArgs),
    /// Describe an environment as JSON
    Inspect(inspect::InspectArgs),
}

/// Runs one command line and returns the exit code.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    crate::memory::give_back_soon();
    fault::watch();
    completion::answer();
    let arguments: Vec<OsString> = arguments.collect();
    let Some(started) = pip::Started::of(&arguments) else {
        let printer = Printer::plain(pip::Persona::Pipward);
        return ExitCode::from(fault::guarded(&printer, || pipward(arguments)));
    };
    let printer = Printer::plain(pip::Persona::Pip(None));
    ExitCode::from(fault::guarded(&printer, || pip::main(&started)))
}

fn pipward(arguments: Vec<OsString>) -> u8 {
    if let Some((output, command)) = frequent(&arguments) {
        return begin(&output, command);
    }
    let matches = match Cli::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    begin(&cli.output, cli.command)
}

/// A frequent command that was typed as it should be: the options of all others need not be described to read it. Nothing
/// where there is anything to say of it.
fn frequent(arguments: &[OsString]) -> Option<(OutputArgs, Command)> {
    let matches = matches_of_frequent(arguments)?;
    let command = match matches.subcommand()? {
        ("install", found) => Command::Install(Box::new(install::InstallArgs::from_arg_matches(found).ok()?)),
        (_, found) => Command::Lock(Box::new(lock::LockArgs::from_arg_matches(found).ok()?)),
    };
    Some((OutputArgs::from_arg_matches(&matches).ok()?, command))
}

/// What [`Cli`] would make of such a command line.
fn matches_of_frequent(arguments: &[OsString]) -> Option<clap::ArgMatches> {
    let (name, which) = match arguments.get(1)?.to_str()? {
        "install" => ("install", install::InstallArgs::augment_args as fn(_) -> _),
        "lock" => ("lock", lock::LockArgs::augment_args as fn(_) -> _),
        _ => return None,
    };
    let root = clap::Command::new("pipward").infer_long_args(true).args_override_self(true);
    let root = OutputArgs::augment_args(root).subcommand(which(clap::Command::new(name)));
    root.try_get_matches_from(arguments).ok()
}

fn begin(output: &OutputArgs, command: Command) -> u8 {
    let printer = Printer::new(output, pip::Persona::Pipward);
    trace(output, false);
    printer.settle(run(command, &printer))
}

/// Runs a command that was read, to its end or to a fault of ours.
fn run(command: Command, printer: &Printer) -> u8 {
    fault::guarded(printer, || match interruptible() {
        Ok(()) => dispatch(command, printer),
        Err(problem) => printer.fail(&problem.into()),
    })
}

fn dispatch(command: Command, printer: &Printer) -> u8 {
    let outcome = match command {
        Command::Audit(arguments) => audit::run(&arguments, printer),
        Command::AuditNames(arguments) => audit_names::run(&arguments, printer),
        Command::Lock(arguments) => lock::run(&arguments, printer),
        Command::Install(arguments) => install::run(&arguments, printer),
        Command::Verify(arguments) => verify::run(&arguments, printer),
        Command::Diff(arguments) => diff::run(&arguments, printer),
        Command::Tree(arguments) => tree::run(&arguments, printer),
        Command::Why(arguments) => why::run(&arguments, printer),
        Command::Sbom(arguments) => sbom::run(&arguments, printer),
        Command::Stats(arguments) => stats::run(&arguments, printer),
        Command::Unused(arguments) => unused::run(&arguments, printer),
        Command::VerifyLock(arguments) => verify_lock::run(&arguments, printer),
        Command::Explain(arguments) => explain::run(&arguments, printer),
        Command::Lab(arguments) => lab::run(&arguments, printer),
        Command::Hash(arguments) => hash::run(&arguments, printer),
        Command::Shim(arguments) => shim::run(&arguments, printer),
        Command::Index(arguments) => index::run(&arguments, printer),
        Command::Cache(arguments) => cache::run(&arguments, printer),
        Command::Config(arguments) => config::run(&arguments, printer),
        Command::Debug(arguments) => debug::run(&arguments, printer),
        Command::Completion(arguments) => completion::run(&arguments, printer),
        Command::Man(arguments) => man::run(&arguments, printer),
        Command::Add(arguments) => add::run(*arguments, printer),
        Command::Remove(arguments) => remove::run(*arguments, printer),
        Command::Download(arguments) => download::run(*arguments, printer),
        Command::Sync(arguments) => sync::run(&arguments, printer),
        Command::Repair(arguments) => repair::run(&arguments, printer),
        Command::Uninstall(arguments) => uninstall::run(&arguments, printer),
        Command::List(arguments) => list::run(&arguments, printer),
        Command::Freeze(arguments) => freeze::run(&arguments, printer),
        Command::Show(arguments) => show::run(&arguments, printer),
        Command::Check(arguments) => check::run(&arguments, printer),
        Command::Inspect(arguments) => inspect::run(&arguments, printer),
    };
    outcome.unwrap_or_else(|problems| printer.fail(&problems))
}

/// The exit status of a command that did what it was asked to, or what stopped it.
type Outcome = Result<u8, Problems>;

fn usage(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        // A closed standard output is the reader's choice, not an error of ours.
        let _ = error.print();
        return 0;
    }
    // What was typed may be an address with a password, or come from elsewhere.
    let told = error.render().to_string();
    if render::neutral_lines(&told) == told.trim_end() {
        let _ = error.print();
    } else {
        Printer::plain(pip::Persona::Pipward).usage(told.trim_end());
    }
    ExitClass::Usage.status()
}

/// Ctrl-C ends the run; while files are being written it asks the writers to take them back first.
fn interruptible() -> Result<(), Problem> {
    ctrlc::set_handler(|| {
        if !crate::way::interrupt() {
            std::process::exit(i32::from(ExitClass::Interrupted.status()));
        }
    })
    .map_err(|error| match error {
        ctrlc::Error::System(error) => limited("the system gives no thread to wait for Ctrl-C", error),
        error => Problem::new(Code::Internal, "the handler for Ctrl-C could not be set").cause(error),
    })
}

/// What goes on: on standard error; for pip on standard output, where it has it.
fn trace(output: &OutputArgs, as_pip: bool) {
    let level = match output.verbose {
        0 => return,
        1 => tracing::Level::INFO,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let told = tracing_subscriber::fmt().with_max_level(level).without_time().with_ansi(false);
    if as_pip {
        told.with_target(false).with_level(false).with_writer(render::traced_out).init();
    } else {
        told.with_writer(render::traced_err).init();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was typed, option by option; nothing where it is to be told that it cannot be.
    fn told(matches: Option<clap::ArgMatches>) -> Option<Vec<String>> {
        let matches = matches?;
        let (name, of_command) = matches.subcommand()?;
        let all = [&matches, of_command].into_iter().flat_map(|matches| {
            let values = |id: &clap::Id| -> Vec<OsString> {
                matches.get_raw(id.as_str()).into_iter().flatten().map(ToOwned::to_owned).collect()
            };
            matches.ids().map(move |id| format!("{id} {:?}", values(id))).collect::<Vec<_>>()
        });
        let mut all: Vec<String> = all.chain([name.to_owned()]).collect();
        all.sort();
        Some(all)
    }

    #[test]
    fn a_frequent_command_is_read_as_any_other() {
        let mut taken = 0;
        for line in [
            "install flask -r pylock.toml --venv .venv -q",
            "install -r a.txt -r b.txt --python x --python y",
            "install --cache-d c --no-dep flask --color never",
            "install flask -vv --json",
            "install --no-such-option",
            "install --help",
            "lock -r requirements.in -o pylock.toml --no-universal",
            "lock flask --univ --python-version 3.10 --python-version 3.11",
            "lock --upgrade-p flask --upgrade-p jinja2",
            "lock --no",
            "lock --format",
        ] {
            let arguments: Vec<OsString> = format!("pipward {line}").split(' ').map(OsString::from).collect();
            let short = told(matches_of_frequent(&arguments));
            assert_eq!(short, told(Cli::command().try_get_matches_from(&arguments).ok()), "{line}");
            taken += usize::from(short.is_some());
        }
        assert!(taken > 5, "{taken}");
        for line in ["verify .venv", "-q install flask", ""] {
            let arguments: Vec<OsString> = format!("pipward {line}").split(' ').map(OsString::from).collect();
            assert!(matches_of_frequent(&arguments).is_none(), "{line}");
        }
    }
}
