//! Options that several commands share, and what they mean.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, ValueEnum};

use super::render::Printer;
use crate::config::{Config, Settings, SourceFlags};
use crate::error::{Code, Problem, Problems};
use crate::index::{KeyringProvider, NetworkOptions, Sources};
use crate::policy::DatedPolicy;
use crate::requirements::FEATURES;
use crate::way::recheck::Trust;

/// `[policy]` and `[limits]` of the nearest configuration, as of today.
pub(super) fn policy() -> Result<DatedPolicy, Problems> {
    Ok(dated(&nearest()?))
}

/// What a configuration allows of wheels, as of today.
pub(super) fn dated(settings: &Settings) -> DatedPolicy {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    settings.policy.clone().within(settings.limits.wheel.clone()).on(today)
}

/// What is looked at again before an install.
pub(super) fn trust(verify_provenance: bool) -> Result<Trust, Problems> {
    Ok(trust_of(&nearest()?, verify_provenance))
}

/// The same, by a configuration that was read already.
pub(super) fn trust_of(settings: &Settings, verify_provenance: bool) -> Trust {
    Trust { ages: settings.ages(&dated(settings)), now: jiff::Timestamp::now(), verify_provenance }
}

fn nearest() -> Result<Settings, Problems> {
    Settings::find(Path::new("."))
}

/// How a command talks.
#[derive(Args, Debug, Clone)]
pub(crate) struct OutputArgs {
    /// Say less: once leaves warnings, twice leaves errors
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) quiet: u8,
    /// Say more; may be given up to three times
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    /// No colour, as `--color never`
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Write one JSON document to standard output instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// A file to which everything that is said is written too
    #[arg(long, visible_aliases = ["log-file", "local-log"], global = true, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
}

/// General options of pip that are not about output or the network.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "General")]
pub(crate) struct PipArgs {
    /// The interpreter: a path, an environment, or a version
    #[arg(short, long, value_name = "PATH|X.Y", env = "PIPWARD_PYTHON")]
    pub(crate) python: Option<String>,
    /// Take nothing from variables of pip and the user's files
    #[arg(long)]
    pub(crate) isolated: bool,
    /// Work in a virtual environment only; exit with 3 where there is none
    #[arg(long, visible_alias = "require-venv")]
    pub(crate) require_virtualenv: bool,
    /// Ask nothing: what would ask ends
    #[arg(long, hide_short_help = true)]
    pub(crate) no_input: bool,
    /// Taken for pip's sake: pipward looks for no newer version of itself
    #[arg(long, hide_short_help = true)]
    pub(crate) disable_pip_version_check: bool,
    /// Taken for pip's sake
    #[arg(long, hide_short_help = true)]
    pub(crate) no_python_version_warning: bool,
    /// Taken for pip's sake
    #[arg(long, hide_short_help = true)]
    pub(crate) debug: bool,
    /// Taken for pip's sake: pip's switches do not concern pipward
    #[arg(long, value_name = "FEATURE", value_parser = FEATURES, hide_short_help = true)]
    pub(crate) use_feature: Vec<String>,
    /// Taken for pip's sake
    #[arg(long, value_name = "FEATURE", value_parser = ["legacy-resolver", "legacy-certs"], hide_short_help = true)]
    pub(crate) use_deprecated: Vec<String>,
    /// Taken for pip's sake: pipward makes no checkouts
    #[arg(long, value_name = "ACTION", value_parser = ["s", "i", "w", "b", "a"], hide_short_help = true)]
    pub(crate) exists_action: Vec<String>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// pip's names for the ways to a keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keyring {
    /// The command, where there is one.
    Auto,
    /// None.
    Disabled,
    /// None: no module of an environment is imported.
    Import,
    /// The command.
    Subprocess,
}

/// Where files come from, and how the network is used.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Sources")]
pub(crate) struct SourceArgs {
    /// The index to ask [default: https://pypi.org/simple/]
    #[arg(short, long, visible_alias = "pypi-url", value_name = "URL")]
    index_url: Option<String>,
    /// A further index
    #[arg(long, value_name = "URL")]
    extra_index_url: Vec<String>,
    /// A directory or page with wheels
    #[arg(short, long, value_name = "PATH|URL")]
    find_links: Vec<String>,
    /// Ask no index, only --find-links
    #[arg(long)]
    no_index: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// How the network is used.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// Use no network at all
    #[arg(long, env = "PIPWARD_OFFLINE", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    offline: bool,
    /// A file of root certificates to trust besides the system's
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// A file with a client certificate and its key
    #[arg(long, value_name = "FILE")]
    client_cert: Option<PathBuf>,
    /// A proxy for all connections
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Take no proxy from variables
    #[arg(long)]
    no_proxy_env: bool,
    /// Refused: the check of a server's certificate is not turned off
    #[arg(long, value_name = "HOST")]
    trusted_host: Vec<String>,
    /// Whether the `keyring` command is asked for a password where a server wants one; with --no-input only by `subprocess`
    #[arg(long, value_enum, default_value_t = Keyring::Auto, hide_short_help = true,
        default_value_if("no_input", "true", "disabled"))]
    keyring_provider: Keyring,
    /// Seconds without an answer after which a connection is given up
    #[arg(long, visible_alias = "default-timeout", value_name = "SECONDS")]
    timeout: Option<f64>,
    /// How often a fault that may pass is tried again
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// Taken for pip's sake: --retries counts for all
    #[arg(long, value_name = "N", hide_short_help = true)]
    resume_retries: Option<u32>,
    /// How many downloads run at once
    #[arg(long, value_name = "N", default_value_t = 50, env = "PIPWARD_CONCURRENT_DOWNLOADS")]
    concurrent_downloads: usize,
}

impl SourceArgs {
    /// Indexes that were typed without the scheme of an address, and are no directories either.
    pub(crate) fn without_scheme(&self) -> impl Iterator<Item = &str> {
        let typed = self.index_url.iter().chain(&self.extra_index_url).map(String::as_str);
        typed.filter(|text| !text.contains(':') && !Path::new(text).exists())
    }

    /// Sources and network, with what the configuration adds; `file` is what requirements files say.
    ///
    /// # Errors
    /// `address-refused` for an address that cannot be used.
    pub(crate) fn settle(
        &self,
        config: &Config,
        file: &crate::requirements::SourceOptions,
    ) -> Result<(Sources, NetworkOptions), Problems> {
        self.settle_within(config, file, &nearest()?)
    }

    /// The same, with a configuration that was read already.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub(crate) fn settle_within(
        &self,
        config: &Config,
        file: &crate::requirements::SourceOptions,
        settings: &Settings,
    ) -> Result<(Sources, NetworkOptions), Problems> {
        let flags = SourceFlags {
            index_url: self.index_url.clone(),
            extra_index_urls: self.extra_index_url.clone(),
            find_links: self.find_links.clone(),
            no_index: self.no_index,
        };
        Ok((config.sources(&flags, file, settings)?, self.network.within(config, settings)?))
    }
}

impl NetworkArgs {
    /// Whether no network is to be used.
    pub(crate) fn is_offline(&self) -> bool {
        self.offline
    }

    /// How the network is used, with what the configuration adds.
    ///
    /// # Errors
    /// `option-refused` for --trusted-host, `config-invalid`.
    pub(crate) fn settle(&self, config: &Config) -> Result<NetworkOptions, Problems> {
        Ok(self.within(config, &nearest()?)?)
    }

    fn within(&self, config: &Config, settings: &Settings) -> Result<NetworkOptions, Problem> {
        let limits = &settings.limits;
        if let Some(host) = self.trusted_host.first().filter(|_| !settings.policy.takes_trusted_host()) {
            return Err(Problem::new(
                Code::OptionRefused,
                "--trusted-host turns off the check of a server's certificate",
            )
            .found(format!("--trusted-host {host}"))
            .help(
                "name the root certificate of that server with --cert FILE, and leave the option out; where it cannot \
                 be left out, `trusted-host = \"allow\"` under [policy] has it passed over",
            ));
        }
        // pip takes fractions of a second; less than one is one.
        let typed = self.timeout.map(|seconds| seconds.ceil().clamp(1.0, 86_400.0) as u64);
        let cert = self.cert.clone().or_else(|| config.cert());
        let client_cert = self.client_cert.clone().or_else(|| config.client_cert());
        if !self.offline {
            cert.iter().chain(&client_cert).try_for_each(|path| crate::index::look_for(path))?;
        }
        Ok(NetworkOptions {
            cert,
            client_cert,
            // An empty one is none.
            proxy: self.proxy.clone().or_else(|| config.proxy()).filter(|proxy| !proxy.is_empty()),
            ignore_proxy_variables: self.no_proxy_env,
            timeout_seconds: typed.or_else(|| config.timeout_seconds()).unwrap_or(30),
            answer_seconds: limits.answer_seconds,
            bodies: limits.bodies,
            retries: self.retries.unwrap_or(4),
            concurrency: self.concurrent_downloads.max(1),
            offline: self.offline,
            keyring: match self.keyring_provider {
                Keyring::Auto | Keyring::Subprocess => KeyringProvider::Command,
                Keyring::Disabled | Keyring::Import => KeyringProvider::Disabled,
            },
        })
    }
}

/// Where things are kept between runs.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Cache")]
pub(crate) struct CacheArgs {
    /// The directory of the cache [env: PIPWARD_CACHE_DIR]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Neither read nor write the cache
    #[arg(long, env = "PIPWARD_NO_CACHE_DIR", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    no_cache_dir: bool,
}

impl CacheArgs {
    /// The cache directory; `None` where nothing is to be kept, or where others could have written what is there.
    pub(crate) fn directory(&self, config: &Config, printer: &Printer) -> Option<PathBuf> {
        let named = self.named(config)?;
        let Some(why) = crate::cache::is_shared(&named) else { return Some(named) };
        printer.warn(&format!(
            "the cache {} is not used: {why}. Make it yours alone, or name another with --cache-dir.",
            named.display()
        ));
        None
    }

    /// The cache directory, whoever can write it; `None` where nothing is to be kept.
    pub(crate) fn named(&self, config: &Config) -> Option<PathBuf> {
        if self.no_cache_dir {
            return None;
        }
        let variable = || config.variable("PIPWARD_CACHE_DIR").map(PathBuf::from);
        let named = self.cache_dir.clone().or_else(variable).or_else(|| config.user_cache_directory())?;
        // Relative names are the user's own; everything below works with absolute ones.
        Some(std::path::absolute(&named).unwrap_or(named))
    }
}
