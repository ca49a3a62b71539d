//! What the imports of a module tell of it: a plain scan, which sees what an honest author writes and what a careless
//! attacker does. It proves nothing about code that hides its imports.

/// Modules that speak to the network. A module counts with all beneath it.
const NETWORK: &[&str] = &[
    "aiohttp",
    "asyncssh",
    "boto3",
    "botocore",
    "dns",
    "ftplib",
    "grpc",
    "http.client",
    "http.server",
    "httplib2",
    "httpx",
    "imaplib",
    "nntplib",
    "paramiko",
    "poplib",
    "pycurl",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "socks",
    "ssl",
    "telnetlib",
    "urllib.request",
    "urllib2",
    "urllib3",
    "websocket",
    "websockets",
    "xmlrpc",
    "zmq",
];
/// Modules, and functions of them, that start processes.
const PROCESS: &[&str] = &[
    "asyncio.subprocess",
    "fabric",
    "invoke",
    "multiprocessing",
    "os.execv",
    "os.fork",
    "os.popen",
    "os.posix_spawn",
    "os.spawnv",
    "os.startfile",
    "os.system",
    "pexpect",
    "plumbum",
    "pty",
    "sh",
    "subprocess",
];
/// Modules that call machine code.
const MACHINE: &[&str] = &["cffi", "ctypes"];

/// Functions that start processes, as they are called.
const CALLS: &[&str] = &["os.system", "os.popen", "os.fork", "os.startfile", "os.posix_spawn"];
/// The dotted names that a module imports, and the functions of `os` that start processes and are called.
pub(super) fn of(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for import in crate::imports::of(source) {
        found.extend(import.names.iter().map(|name| format!("{}.{name}", import.module)));
        found.push(import.module);
    }
    let is_called = |name: &&&str| source.contains(&format!("{name}("));
    found.extend(CALLS.iter().filter(is_called).map(|name| (*name).to_owned()));
    found
}

/// What of the network a module is of: `urllib.request` for `urllib.request.urlopen`.
pub(super) fn network(module: &str) -> Option<&'static str> {
    of_list(module, NETWORK)
}

/// By what a module, or a function of one, starts processes.
pub(super) fn process(module: &str) -> Option<&'static str> {
    of_list(module, PROCESS)
}

/// By what a module calls machine code.
pub(super) fn machine(module: &str) -> Option<&'static str> {
    of_list(module, MACHINE)
}

fn of_list(module: &str, list: &[&'static str]) -> Option<&'static str> {
    let is_of =
        |one: &&str| module.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    list.iter().copied().find(|one| is_of(one))
}
