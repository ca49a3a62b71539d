//! `pipward audit-names`.

use std::path::{Path, PathBuf};

use clap::Args;
use pipward_resolver::PackageName;
use serde_json::json;

use super::Outcome;
use super::options::{CacheArgs, SourceArgs};
use super::render::Printer;
use crate::config::{Config, Settings};
use crate::error::{Code, Problem};
use crate::index::without_password;
use crate::requirements::SourceOptions;
use crate::way::names::{self, Public};

/// Arguments of `pipward audit-names`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward audit-names                  the internal names of ./pylock.toml and pipward.toml
  pipward audit-names acme-tools       this name alone

Asking tells the public index each name, so pipward does it on request alone.")]
pub(crate) struct AuditNamesArgs {
    /// Names; without any, those that an index of pipward.toml has to itself
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The lock whose internal names are looked up
    #[arg(long, value_name = "FILE", default_value = "pylock.toml", env = "PIPWARD_LOCK")]
    lock: PathBuf,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

pub(super) fn run(arguments: &AuditNamesArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let settings = Settings::find(Path::new("."))?;
    let typed: Result<Vec<PackageName>, Problem> = arguments.names.iter().map(|text| parsed(text)).collect();
    let mut names = typed?;
    if names.is_empty() {
        names = names::internal(&settings.indexes, &arguments.lock)?;
    }
    if names.is_empty() {
        return Err(Problem::new(Code::Usage, "there are no internal names to look up")
            .help("name some, or say in pipward.toml which names an index has to itself: packages = [\"acme-*\"]")
            .into());
    }
    // Those of the configuration are not the public one.
    let mut public = settings.clone();
    public.indexes.clear();
    let (mut sources, network) =
        arguments.sources.settle_within(&config, &SourceOptions::default(), &public)?;
    sources.indexes.truncate(1);
    sources.find_links.clear();
    let Some(asked) = sources.indexes.first().map(|index| without_password(&index.url)) else {
        return Err(Problem::new(Code::Usage, "there is no public index to ask")
            .help("leave out --no-index")
            .into());
    };
    printer.note(&format!("Asking {asked} about {} of your names, which tells it them", names.len()));
    let found = names::look_up(Public {
        names: names.clone(),
        sources,
        network,
        cache: arguments.cache.directory(&config, printer),
        asked: asked.clone(),
    })?;
    crate::error::Problems::unless_empty((), found)?;
    printer.say(&format!("None of {} names is on {asked}", names.len()));
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    printer.document(&json!({ "ok": true, "index": asked, "names": names }));
    Ok(0)
}

fn parsed(text: &str) -> Result<PackageName, Problem> {
    text.parse().map_err(|_| Problem::new(Code::Usage, "this is not the name of a project").found(text))
}
