//! Options that several commands share, and what they mean.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::config::{Config, SourceFlags};
use crate::error::Problem;
use crate::index::{NetworkOptions, Sources};

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
    /// Write one JSON document to standard output instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
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

/// Where files come from, and how the network is used.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Sources")]
pub(crate) struct SourceArgs {
    /// The index to ask [default: https://pypi.org/simple/]
    #[arg(short, long, value_name = "URL")]
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
    /// Use no network at all
    #[arg(long, env = "PIPWARD_OFFLINE", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    offline: bool,
    /// A file of root certificates to trust besides the system's
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// A proxy for all connections
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Seconds without an answer after which a connection is given up
    #[arg(long, visible_alias = "default-timeout", value_name = "SECONDS")]
    timeout: Option<u64>,
    /// How often a fault that may pass is tried again
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// How many downloads run at once
    #[arg(long, value_name = "N", default_value_t = 50, env = "PIPWARD_CONCURRENT_DOWNLOADS")]
    concurrent_downloads: usize,
}

impl SourceArgs {
    /// Sources and network, with what the configuration adds; `file` is what requirements files say.
    ///
    /// # Errors
    /// `address-refused` for an address that cannot be used.
    pub(crate) fn settle(
        &self,
        config: &Config,
        file: &crate::requirements::SourceOptions,
    ) -> Result<(Sources, NetworkOptions), Problem> {
        let flags = SourceFlags {
            index_url: self.index_url.clone(),
            extra_index_urls: self.extra_index_url.clone(),
            find_links: self.find_links.clone(),
            no_index: self.no_index,
        };
        let network = NetworkOptions {
            cert: self.cert.clone().or_else(|| config.cert()),
            proxy: self.proxy.clone().or_else(|| config.proxy()),
            timeout_seconds: self.timeout.or_else(|| config.timeout_seconds()).unwrap_or(30),
            retries: self.retries.unwrap_or(4),
            concurrency: self.concurrent_downloads.max(1),
            offline: self.offline,
        };
        Ok((config.sources(&flags, file)?, network))
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
    /// The cache directory; `None` where nothing is to be kept.
    pub(crate) fn directory(&self, config: &Config) -> Option<PathBuf> {
        if self.no_cache_dir {
            return None;
        }
        let variable = || config.variable("PIPWARD_CACHE_DIR").map(PathBuf::from);
        let named = self.cache_dir.clone().or_else(variable).or_else(|| config.user_cache_directory())?;
        // Relative names are the user's own; everything below works with absolute ones.
        Some(std::path::absolute(&named).unwrap_or(named))
    }
}
