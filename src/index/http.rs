//! The only room that speaks HTTP.
//!
//! Owns: caps, redirects, who sees a password, retries, and the words for what went wrong.
//! Never: lets a credential out of its origin, follows https down to http, or reads more of a body
//! than its kind allows.

mod answer;
mod credentials;
mod decode;
mod keyring;
mod names;
mod proxy;
mod ranges;
mod tls;
mod words;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::NetworkOptions;
use crate::error::{Code, Problem};

pub(crate) use answer::{Answer, Whole};
pub(crate) use credentials::{Authorization, Credentials, strip};
pub(crate) use ranges::{content_range, strong_tag};
pub(crate) use tls::{CERTIFICATES, look_for};
use words::{deepest, tls_error, tls_problem, unreachable_at};
pub(crate) use words::{place, status_problem, too_large};

/// How many redirects are followed.
const MAX_HOPS: usize = 8;
/// The longest wait that a server may ask for with Retry-After.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(30);
/// The first wait before another try; each next one is twice as long, up to [`BACK_OFF_CAP`].
const BACK_OFF: Duration = Duration::from_millis(250);
const BACK_OFF_CAP: Duration = Duration::from_secs(8);

/// What is asked for. Each kind has its cap ([`Http::cap`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An index page.
    Page,
    /// Core metadata.
    Metadata,
    /// A part of a wheel, asked for by range.
    Part,
    /// A wheel.
    Wheel,
}

/// The largest part of a wheel that is read, in bytes: 32 MiB.
pub(crate) const PART_CAP: u64 = 32 << 20;
/// From here on an answer has to come at this many bytes a second, on average. (A wheel of a gigabyte may take a day.)
const SLOWEST: u64 = 8 << 10;

/// How much of an answer is read, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cap {
    /// Bytes, as they come and as they are decoded.
    pub(crate) bytes: u64,
    /// The key of the configuration that raises it.
    pub(crate) key: &'static str,
}

/// One question.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) url: Url,
    pub(crate) kind: Kind,
    pub(crate) headers: HeaderMap,
    /// JSON that is posted. What has none is a GET.
    pub(crate) body: Option<Vec<u8>>,
}

impl Ask {
    pub(crate) fn new(url: Url, kind: Kind) -> Self {
        Self { url, kind, headers: HeaderMap::new(), body: None }
    }
}

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Another attempt may succeed; `after` is what the server asks for.
    Passing { problem: Problem, after: Option<Duration> },
    /// It will not.
    Lasting(Problem),
}

impl Fault {
    pub(crate) fn passing(problem: Problem) -> Self {
        Self::Passing { problem, after: None }
    }
}

/// A client for the whole run.
#[derive(Debug)]
pub(crate) struct Http {
    options: NetworkOptions,
    credentials: Credentials,
    keyring: keyring::Keyring,
    client: OnceLock<Result<reqwest::Client, Problem>>,
    /// For addresses of http. It knows no roots, which are many files.
    plain: OnceLock<Result<reqwest::Client, Problem>>,
    slots: Arc<Semaphore>,
}

/// The attempts that are left for one question.
pub(crate) struct Tries {
    left: u32,
    wait: Duration,
}

impl Tries {
    /// Waits until the next attempt is due.
    ///
    /// # Errors
    /// The problem of the last attempt, where it lasts or none is left.
    pub(crate) async fn again(&mut self, fault: Fault) -> Result<(), Problem> {
        match fault {
            Fault::Passing { problem, .. } if self.left == 0 => Err(problem),
            Fault::Lasting(problem) => Err(problem),
            Fault::Passing { problem, after } => {
                self.left -= 1;
                let wait = after.map_or(self.wait, |asked| asked.min(RETRY_AFTER_CAP));
                tracing::debug!(?wait, %problem, "trying again");
                tokio::time::sleep(wait).await;
                self.wait = (self.wait * 2).min(BACK_OFF_CAP);
                Ok(())
            }
        }
    }
}

impl Http {
    pub(crate) fn new(options: NetworkOptions, credentials: Credentials) -> Self {
        let slots = Arc::new(Semaphore::new(options.concurrency.clamp(1, 1000)));
        let keyring = keyring::Keyring::new(options.keyring);
        Self { options, credentials, keyring, client: OnceLock::new(), plain: OnceLock::new(), slots }
    }

    /// How many questions are under way at once.
    pub(crate) fn concurrency(&self) -> usize {
        self.options.concurrency.clamp(1, 1000)
    }

    /// How much of an answer is read.
    pub(crate) fn cap(&self, kind: Kind) -> Cap {
        let bodies = self.options.bodies;
        let (bytes, key) = match kind {
            Kind::Page => (bodies.page, "page"),
            Kind::Metadata => (bodies.metadata, "metadata"),
            Kind::Part => (PART_CAP, "wheel"),
            Kind::Wheel => (bodies.wheel, "wheel"),
        };
        Cap { bytes, key }
    }

    /// How long a whole answer may take. Idle time alone would let a server hold the line for ever, a byte at a time.
    fn patience(&self) -> Duration {
        let idle = self.options.timeout_seconds.clamp(1, 3600);
        Duration::from_secs(self.options.answer_seconds.unwrap_or(idle.saturating_mul(20)))
    }

    /// Whether the network is switched off.
    pub(crate) fn offline(&self) -> bool {
        self.options.offline
    }

    /// The attempts for one question.
    pub(crate) fn tries(&self) -> Tries {
        Tries { left: self.options.retries, wait: BACK_OFF }
    }

    /// What would be sent to `url` to say who asks.
    pub(crate) fn authorization(&self, url: &Url) -> Option<Authorization> {
        let own = self.credentials.header(url);
        if own.as_ref().is_some_and(|own| !own.lacks_password) {
            return own;
        }
        self.keyring.known(url, own.as_ref().map(|own| own.user.as_str())).or(own)
    }

    /// Whether there is something new to be sent to `url`, which asked for it: the user's keyring may know it.
    async fn learns(&self, url: &Url) -> bool {
        let own = self.credentials.header(url);
        if own.as_ref().is_some_and(|own| !own.lacks_password) {
            return false;
        }
        let services = self.credentials.services(url);
        !services.is_empty()
            && self.keyring.ask(url, services, own.as_ref().map(|own| own.user.as_str())).await.is_some()
    }

    /// Asks once, following redirects. Transient statuses are faults; all others are answers.
    pub(crate) async fn send(&self, ask: &Ask) -> Result<Answer, Fault> {
        if self.options.offline {
            return Err(Fault::Lasting(
                unreachable_at(&ask.url, "the network is switched off, and this is not in the cache")
                    .help("run the command once without --offline"),
            ));
        }
        let permit = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| Fault::Lasting(Problem::new(Code::Internal, "the network was closed")))?;
        let mut url = ask.url.clone();
        strip(&mut url);
        check_scheme(&url, Code::AddressRefused).map_err(Fault::Lasting)?;
        let mut hops = 0;
        let mut has_learned = false;
        while hops <= MAX_HOPS {
            let client = self.client(&url).map_err(Fault::Lasting)?;
            let request = match &ask.body {
                None => client.get(url.clone()),
                Some(body) => client.post(url.clone()).body(body.clone()),
            };
            let headers = self.headers(ask, &url);
            let is_named = headers.contains_key(header::AUTHORIZATION);
            let request = request.headers(headers);
            let response = request.send().await.map_err(|error| self.fault(&url, error))?;
            let is_own = url.origin() == ask.url.origin();
            if is_own && !has_learned && wants_to_know(response.status(), is_named) {
                has_learned = true;
                if self.learns(&url).await {
                    continue;
                }
            }
            if !redirects(response.status()) {
                return self.answer(response, url, permit);
            }
            if ask.body.is_some() && !matches!(response.status().as_u16(), 307 | 308) {
                let refused = "the server redirects a question to where it would arrive without its text";
                return Err(Fault::Lasting(Problem::new(Code::RedirectRefused, refused).at(place(&url))));
            }
            hops += 1;
            // The body of a redirect is not read: it may be a bomb, and says nothing.
            url = next_hop(response.headers().get(header::LOCATION), &url).map_err(Fault::Lasting)?;
        }
        Err(Fault::Lasting(
            Problem::new(Code::RedirectRefused, format!("the server redirects more than {MAX_HOPS} times"))
                .at(place(&ask.url)),
        ))
    }

    /// Asks, with retries, and reads the whole answer, decoded and capped.
    pub(crate) async fn whole(&self, ask: &Ask) -> Result<Whole, Problem> {
        let mut tries = self.tries();
        loop {
            let cap = self.cap(ask.kind);
            let outcome =
                tokio::time::timeout(self.patience(), async { self.send(ask).await?.whole(cap).await });
            let fault = match outcome.await {
                Ok(Ok(whole)) => return Ok(whole),
                Ok(Err(fault)) => fault,
                Err(_) => Fault::passing(words::too_slow(&ask.url)),
            };
            tries.again(fault).await?;
        }
    }

    fn headers(&self, ask: &Ask, url: &Url) -> HeaderMap {
        let mut headers = ask.headers.clone();
        let encodings = match ask.kind {
            Kind::Page | Kind::Metadata => decode::ACCEPTED,
            Kind::Part | Kind::Wheel => "identity",
        };
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encodings));
        if ask.body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        // After a redirect to another scheme, host or port nothing is sent that names the user.
        if url.origin() == ask.url.origin()
            && let Some(authorization) = self.authorization(url)
        {
            headers.insert(header::AUTHORIZATION, authorization.header);
        }
        headers
    }

    fn answer(
        &self,
        response: reqwest::Response,
        url: Url,
        permit: OwnedSemaphorePermit,
    ) -> Result<Answer, Fault> {
        let status = response.status();
        if matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504) {
            let after = ranges::retry_after(response.headers(), jiff::Timestamp::now());
            return Err(Fault::Passing { problem: status_problem(status, &url), after });
        }
        Ok(Answer {
            response,
            url,
            _permit: permit,
            timeout: self.options.timeout_seconds,
            pace: answer::Pace::new(self.patience(), SLOWEST),
        })
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, Problem> {
        let options = &self.options;
        // Redirects are ours to follow: a client that begins without TLS never comes to speak it, but for a proxy.
        let is_plain = url.scheme() == "http" && !proxy::may_be_asked(options);
        let client = if is_plain {
            self.plain.get_or_init(|| self.build(tls::without_roots()?))
        } else {
            self.client.get_or_init(|| {
                self.build(tls::config(options.cert.as_deref(), options.client_cert.as_deref())?)
            })
        };
        client.as_ref().map_err(Problem::clone)
    }

    fn build(&self, tls: rustls::ClientConfig) -> Result<reqwest::Client, Problem> {
        let idle = Duration::from_secs(self.options.timeout_seconds.clamp(1, 3600));
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("pipward/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(idle)
            .read_timeout(idle)
            .http2_initial_stream_window_size(4 << 20)
            .http2_initial_connection_window_size(32 << 20)
            .pool_max_idle_per_host(self.concurrency())
            .dns_resolver(Arc::new(names::Names));
        proxy::set(builder, &self.options)?
            .build()
            .map_err(|error| Problem::new(Code::Internal, "HTTP could not be set up").cause(deepest(&error)))
    }

    fn fault(&self, url: &Url, error: reqwest::Error) -> Fault {
        let error = error.without_url();
        if let Some(tls) = tls_error(&error) {
            return Fault::Lasting(tls_problem(url, &tls));
        }
        if error.is_builder() {
            return Fault::Lasting(
                Problem::new(Code::AddressRefused, "the address cannot be used")
                    .at(place(url))
                    .cause(deepest(&error)),
            );
        }
        let problem = if error.is_timeout() {
            let seconds = self.options.timeout_seconds;
            unreachable_at(url, &format!("the server did not answer within {seconds} seconds"))
        } else {
            unreachable_at(url, "the server could not be reached").cause(deepest(&error))
        };
        Fault::passing(problem)
    }
}

/// Whether an answer asks who it is: 401, and 403 (devpi) where nobody was named.
fn wants_to_know(status: StatusCode, is_named: bool) -> bool {
    status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN && !is_named
}

fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn next_hop(location: Option<&HeaderValue>, from: &Url) -> Result<Url, Problem> {
    let refused = |why: &str| Problem::new(Code::RedirectRefused, why).at(place(from));
    let mut url = location
        .and_then(|value| value.to_str().ok())
        .and_then(|value| from.join(value).ok())
        .ok_or_else(|| refused("the server redirects to an address that cannot be read"))?;
    strip(&mut url);
    check_scheme(&url, Code::RedirectRefused).map_err(|problem| problem.at(place(from)))?;
    if from.scheme() == "https" && url.scheme() == "http" {
        return Err(refused("the server redirects from https down to http").found(&url));
    }
    Ok(url)
}

/// Only http and https, with a host.
pub(crate) fn check_scheme(url: &Url, code: Code) -> Result<(), Problem> {
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        return Ok(());
    }
    Err(Problem::new(code, "the address is neither http nor https")
        .at(place(url))
        .expected("an http or https address")
        .found(format!("{}:", url.scheme())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_on_http_and_never_go_down() {
        let check = |from: &str, to: &[u8]| {
            let location = HeaderValue::from_bytes(to).unwrap();
            next_hop(Some(&location), &Url::parse(from).unwrap())
                .map(String::from)
                .map_err(|problem| problem.code())
        };
        assert_eq!(check("https://h/a/b", b"../c"), Ok("https://h/c".to_owned()));
        assert_eq!(check("http://h/a", b"https://i/c"), Ok("https://i/c".to_owned()));
        assert_eq!(check("https://h/a", b"https://al:pw@i/c"), Ok("https://i/c".to_owned()));
        for bad in [
            &b"http://h/a"[..],
            b"http://h:443/a",
            b"file:///etc/passwd",
            b"ftp://h/",
            b"data:,x",
            b"http://[",
            b"/\xff",
        ] {
            assert_eq!(check("https://h/a", bad), Err(Code::RedirectRefused), "{bad:?}");
        }
        assert!(next_hop(None, &Url::parse("https://h/").unwrap()).is_err());
    }

    #[test]
    fn a_place_has_no_credentials() {
        let url = Url::parse("https://al:hidden@h/x?signature=hidden#sha256=1").unwrap();
        assert_eq!(place(&url).to_string(), "https://h/x");
    }
}
