//! `pipward debug`.

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::install::foreign::{TargetArgs, target};
use super::looking::EnvironmentArgs;
use super::pip::version;
use super::render::Printer;
use crate::config::Config;
use crate::python::Interpreter;
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
    let show = |name: &str, value: &dyn std::fmt::Display| {
        printer.say(format!("{name}: {value}").trim_end());
    };
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
    if printer.persona().is_pip() {
        pips(&python, &config, &show);
    }
    let given = arguments.target.given();
    let given = if given.is_empty() { given } else { format!(" (target: {given})") };
    printer.say(&format!("Compatible tags: {}{given}", tags.len()));
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

/// What pip tells besides, by its labels. Python's text is UTF-8 but for names of files and the terminal, which follow the
/// locale; pip's own parts are none here.
fn pips(python: &Interpreter, config: &Config, show: &dyn Fn(&str, &dyn std::fmt::Display)) {
    let of = |name: &str| config.variable(name).unwrap_or("None").to_owned();
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| config.variable(name));
    let encoding = locale.and_then(|locale| locale.split_once('.')).map_or("UTF-8", |(_, encoding)| encoding);
    show("pip version", &version(Some(&python.version)));
    show("sys.version", &python.version);
    show("sys.getdefaultencoding", &"utf-8");
    show("sys.getfilesystemencoding", &encoding.to_lowercase());
    show("locale.getencoding", &encoding);
    show("sys.platform", &python.target.markers.sys_platform());
    show("sys.implementation", &"");
    show("  name", &python.target.markers.implementation_name());
    show("'cert' config value", &of("PIP_CERT").replace("None", "Not specified"));
    show("REQUESTS_CA_BUNDLE", &of("REQUESTS_CA_BUNDLE"));
    show("CURL_CA_BUNDLE", &of("CURL_CA_BUNDLE"));
    show("pip._vendor.certifi.where()", &"None");
    show("pip._vendor.DEBUNDLED", &"False");
    show("vendored library versions", &"");
}
