//! `pipward debug`.

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::install::foreign::{TargetArgs, target};
use super::looking::EnvironmentArgs;
use super::render::Printer;
use crate::config::Config;
use crate::python::installed::site::SearchPath;

/// How many tags are shown unless more is to be said.
const FEW: usize = 10;

/// Arguments of `pipward debug`.
#[derive(Args)]
pub(crate) struct DebugArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    environment: EnvironmentArgs,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
}

pub(super) fn run(arguments: &DebugArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let python = arguments.environment.interpreter(&config, printer)?;
    let path = SearchPath::of(&python);
    let described = target(&arguments.target, &python)?;
    let target = described.as_ref().unwrap_or(&python.target);
    let tags: Vec<String> =
        target.tags.iter().map(|tag| format!("{}-{}-{}", tag.python, tag.abi, tag.platform)).collect();
    let variables = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT"];
    let show = |name: &str, value: &dyn std::fmt::Display| printer.say(&format!("{name}: {value}"));
    show("pipward version", &env!("CARGO_PKG_VERSION"));
    show("python version", &python.version);
    show("sys.executable", &python.executable.display());
    show("sys.prefix", &python.prefix.display());
    show("sys.base_prefix", &python.base_prefix.display());
    show("platform", &python.target.markers.sys_platform());
    for name in variables {
        show(&format!("'{name}'"), &config.variable(name).unwrap_or("None"));
    }
    printer.say("directories of distributions:");
    path.directories.iter().for_each(|directory| printer.say(&format!("  {}", directory.display())));
    printer.say(&format!("Compatible tags: {}", tags.len()));
    let shown = if printer.is_verbose() { tags.len() } else { FEW };
    tags.iter().take(shown).for_each(|tag| printer.say(&format!("  {tag}")));
    if shown < tags.len() {
        printer.say("  ...");
        printer.say(&format!("  [First {FEW} tags shown. Pass --verbose to show all.]"));
    }
    printer.document(&json!({
        "ok": true,
        "pipward": env!("CARGO_PKG_VERSION"),
        "python": python.version.to_string(),
        "executable": python.executable.display().to_string(),
        "prefix": python.prefix.display().to_string(),
        "directories": path.directories.iter().map(|one| one.display().to_string()).collect::<Vec<_>>(),
        "tags": tags,
    }));
    Ok(0)
}
