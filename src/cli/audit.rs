//! `pipward audit`.

mod cyclonedx;
mod fix;
mod machine;
mod openvex;
mod sarif;
mod text;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;
use url::Url;

use super::Outcome;
use super::options::{CacheArgs, SourceArgs};
use super::render::Printer;
use crate::advisory::{Ignored, Level, Rules, Service};
use crate::config::{Config, Settings};
use crate::error::{Code, Place, Problem, Problems};
use crate::index::NetworkOptions;
use crate::python::PythonRequest;
use crate::requirements::{self, SourceOptions};
use crate::way::audit::{self, AuditRequest, Audited, From, Source, What};
use crate::way::destination::{self, Place as Wish};

/// The OSV service.
const OSV: &str = "https://api.osv.dev";

/// Arguments of `pipward audit`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward audit --update-db https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip
  pipward audit                                    ./pylock.toml against the database that is kept
  pipward audit -r requirements.txt --db ../advisory-database
  pipward audit .venv --fail-on high
  pipward audit --format sarif > audit.sarif
  pipward audit --fix --write                      lock again, so that the findings are gone

Data comes from a database on this machine; only --source pypi and --source osv ask somebody about your packages.
Exit codes: 0 clean, 1 findings, 3 could not be completed: something could not be looked up, or the data is missing or old.")]
pub(crate) struct AuditArgs {
    /// The environment to audit, in place of a lock
    #[arg(value_name = "ENV", conflicts_with = "requirement")]
    environment: Option<PathBuf>,
    /// The lock to audit: pylock.toml, or requirements with pins [default: pylock.toml]
    #[arg(short, long, value_name = "FILE")]
    requirement: Vec<PathBuf>,
    /// The advisory database: a folder of OSV records (JSON, or PyPA's YAML), or an all.zip of OSV's export
    #[arg(long, value_name = "PATH", env = "PIPWARD_ADVISORIES")]
    db: Option<PathBuf>,
    /// Keep this all.zip of OSV's export as the database; without -r or ENV nothing is audited
    #[arg(long, value_name = "URL|FILE")]
    update_db: Option<String>,
    /// Who is asked: a database on this machine, the JSON of the index, or the OSV service [default: database]
    #[arg(long, value_enum, conflicts_with = "db")]
    source: Option<Asked>,
    /// The address of the OSV service [default: https://api.osv.dev]
    #[arg(long, value_name = "URL")]
    osv_url: Option<Url>,
    /// Fail on what is at least so severe; what has no severity counts as critical [default: all]
    #[arg(long, value_enum, value_name = "LEVEL")]
    fail_on: Option<Threshold>,
    /// Pass over a vulnerability, by any of its ids; in pipward.toml it has a reason and an end
    #[arg(long, value_name = "ID", visible_alias = "ignore-vuln")]
    ignore: Vec<String>,
    /// A VEX document, OpenVEX or CycloneDX, whose statements count
    #[arg(long, value_name = "FILE")]
    vex: Vec<PathBuf>,
    /// Tell the smallest change of the lock that clears the findings; fixes do not wait as new files do
    #[arg(long, conflicts_with_all = ["environment", "format"])]
    fix: bool,
    /// Write that change
    #[arg(long, requires = "fix")]
    write: bool,
    /// For whom it is told
    #[arg(long, value_enum, value_name = "FORM")]
    format: Option<Form>,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Asked {
    /// A database on this machine
    Database,
    /// The JSON of each release on the index
    Pypi,
    /// The OSV service
    Osv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Threshold {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a terminal
    Text,
    /// For programs; as --json
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// CycloneDX 1.6 with vulnerabilities
    CyclonedxVex,
    /// OpenVEX 0.2.0
    Openvex,
    /// Annotations of GitHub Actions
    Github,
    /// The JSON of pip-audit
    PipAudit,
}

/// What every form tells.
struct Told<'a> {
    audited: &'a Audited,
    /// What was audited, for messages.
    what: String,
    now: jiff::Timestamp,
}

pub(super) fn run(arguments: &AuditArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let settings = Settings::find(std::path::Path::new("."))?;
    let cache = arguments.cache.directory(&config, printer);
    let network = arguments.sources.network.settle(&config)?;
    let now = jiff::Timestamp::now();
    if let Some(place) = &arguments.update_db {
        update(place, cache.clone(), &network, printer)?;
        if arguments.requirement.is_empty() && arguments.environment.is_none() {
            return Ok(0);
        }
    }
    let rules = arguments.rules(&settings);
    let source = arguments.source(&config, &settings, &rules, cache)?;
    let (what, shown) = arguments.what()?;
    let private = settings.indexes.iter().flat_map(|index| index.packages.clone()).collect();
    let request = AuditRequest { what, source, rules, private, network, now };
    let audited = audit::audit(&request)?;
    if arguments.fix {
        return arguments.fix(&request, &audited, shown, printer);
    }
    let told = Told { audited: &audited, what: shown, now };
    Ok(told.report(arguments.form(printer), printer))
}

/// Keeps a database.
fn update(
    place: &str,
    cache: Option<PathBuf>,
    network: &NetworkOptions,
    printer: &Printer,
) -> Result<(), Problems> {
    let cache = cache.ok_or_else(no_cache)?;
    let from = match requirements::address(std::path::Path::new(place)) {
        Some(url) => From::Url(url),
        None => From::File(PathBuf::from(place)),
    };
    let kept = audit::update(&from, &cache, network, jiff::Timestamp::now())?;
    printer.note(&format!("Keeps {} advisories of {} from {}", kept.records, kept.time, kept.source));
    Ok(())
}

fn no_cache() -> Problem {
    Problem::new(Code::AdvisoriesMissing, "there is no cache to keep an advisory database in")
        .help("leave out --no-cache-dir, or name a database with --db")
}

impl AuditArgs {
    /// The form; `--json` asks for one where none is named.
    fn form(&self, printer: &Printer) -> Form {
        self.format.unwrap_or(if printer.is_json() { Form::Json } else { Form::Text })
    }

    /// What the configuration says, with what was typed.
    fn rules(&self, settings: &Settings) -> Rules {
        let mut rules = settings.audit.clone();
        let level = self.fail_on.map(|level| match level {
            Threshold::Low => Level::Low,
            Threshold::Medium => Level::Medium,
            Threshold::High => Level::High,
            Threshold::Critical => Level::Critical,
        });
        rules.fail_on = level.or(rules.fail_on);
        rules.vex.extend(self.vex.iter().cloned());
        rules.ignored.extend(self.ignore.iter().map(|id| Ignored {
            id: id.clone(),
            package: None,
            reason: "--ignore".to_owned(),
            until: None,
            place: Place::file("command line"),
        }));
        rules
    }

    /// Who is asked: what was typed counts before the configuration, and a database that is named before one that is kept.
    fn source(
        &self,
        config: &Config,
        settings: &Settings,
        rules: &Rules,
        cache: Option<PathBuf>,
    ) -> Result<Source, Problems> {
        let typed = self.source.map(|asked| match asked {
            Asked::Database => Service::Database,
            Asked::Pypi => Service::Pypi,
            Asked::Osv => Service::Osv,
        });
        let service = match (&self.db, typed) {
            (Some(_), _) => Service::Database,
            (None, typed) => typed.or(rules.service).unwrap_or_default(),
        };
        match service {
            Service::Database => match self.db.as_ref().or(rules.database.as_ref()) {
                Some(path) => Ok(Source::Place(path.clone())),
                None => Ok(Source::Kept(cache.ok_or_else(no_cache)?)),
            },
            Service::Pypi => {
                let (sources, _) = self.sources.settle_within(config, &SourceOptions::default(), settings)?;
                let index = sources.indexes.into_iter().find(|index| index.packages.is_empty());
                let index = index.ok_or_else(|| {
                    Problem::new(Code::Usage, "there is no index to ask").help("leave out --no-index")
                })?;
                Ok(Source::Pypi(index.url))
            }
            Service::Osv => {
                let text = self.osv_url.as_ref().map(Url::as_str).or(rules.osv_url.as_deref()).unwrap_or(OSV);
                let url = Url::parse(text).map_err(|error| {
                    Problem::new(Code::AddressRefused, "the address of the OSV service cannot be read")
                        .found(text)
                        .cause(error)
                })?;
                Ok(Source::Osv(url))
            }
        }
    }

    fn what(&self) -> Result<(What, String), Problems> {
        if let Some(environment) = &self.environment {
            let wish = Wish::Python(PythonRequest::Path(environment.clone()));
            let interpreter = destination::look_at(&wish)?;
            let shown = interpreter.prefix.display().to_string();
            return Ok((What::Environment(Box::new(interpreter)), shown));
        }
        let mut files = self.requirement.clone();
        if files.is_empty() {
            files.push(PathBuf::from("pylock.toml"));
        }
        let shown = files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
        Ok((What::Files(files), shown))
    }
}

impl Told<'_> {
    /// 1 where something fails the audit; else 3 where something could not be looked up.
    fn status(&self) -> u8 {
        if self.audited.judged.iter().any(crate::advisory::Judged::fails) {
            return Code::KnownVulnerability.exit_class().status();
        }
        match self.audited.unanswered().next() {
            Some(_) => Code::AuditIncomplete.exit_class().status(),
            None => 0,
        }
    }

    /// That something could not be looked up, whatever else was found.
    fn incomplete(&self) -> Option<Problem> {
        let names: Vec<&str> = self.audited.unanswered().map(|skipped| skipped.name.as_str()).collect();
        let count = names.len();
        (count > 0).then(|| {
            let of = self.audited.all();
            Problem::new(
                Code::AuditIncomplete,
                format!("{count} of {of} packages could not be looked up, so that nobody knows of them"),
            )
            .at(Place::file(&self.what))
            .found(super::surveying::shortened(&names.iter().map(ToString::to_string).collect::<Vec<_>>()))
            .help(
                "ask a source that knows them (--db), or name them under [[audit.unanswered]] of pipward.toml with a \
                 reason",
            )
        })
    }

    fn report(&self, form: Form, printer: &Printer) -> u8 {
        let status = self.status();
        if form != Form::Text {
            printer.problems(self.incomplete().iter());
        }
        let document: Option<Value> = match form {
            Form::Text => {
                self.text(printer);
                None
            }
            Form::Github => {
                self.annotations().iter().for_each(|line| printer.result(line));
                None
            }
            Form::Json => Some(self.json(status)),
            Form::Sarif => Some(self.sarif()),
            Form::CyclonedxVex => Some(self.cyclonedx()),
            Form::Openvex => {
                let document = self.openvex();
                if document.is_none() {
                    printer.note("There is nothing to state, and an OpenVEX document has a statement: none is written.");
                }
                document
            }
            Form::PipAudit => Some(self.pip_audit()),
        };
        if let Some(document) = document {
            printer.document_in(&document);
        }
        status
    }
}
