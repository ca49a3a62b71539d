//! What the imports of a module tell of it: a plain scan, which sees what an honest author writes and what a careless
//! attacker does. It proves nothing about code that hides its imports.

/// Modules that speak to the network. A module counts with all beneath it.
const NETWORK: &[&str] = &[
    "_socket",
    "_ssl",
    "aiohttp",
    "asyncio.open_connection",
    "asyncio.start_server",
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
/// Modules, and functions of them, that start processes. A `*` stands for the rest of a name.
const PROCESS: &[&str] = &[
    "_posixsubprocess",
    "_winapi",
    "asyncio.create_subprocess_*",
    "asyncio.subprocess",
    "concurrent.futures.ProcessPoolExecutor",
    "concurrent.futures.process",
    "fabric",
    "invoke",
    "multiprocessing",
    "os.exec*",
    "os.fork*",
    "os.popen",
    "os.posix_spawn*",
    "os.spawn*",
    "os.startfile",
    "os.system",
    "pexpect",
    "plumbum",
    "pty",
    "sh",
    "subprocess",
];
/// Modules that call machine code.
const MACHINE: &[&str] = &["_ctypes", "cffi", "ctypes"];

/// The modules of which functions are looked for, and not only imports.
const ROOTS: &[&str] = &["asyncio", "nt", "os", "posix"];

/// The dotted names that a module imports, and what it names of the modules that start processes.
pub(super) fn of(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for import in crate::imports::of(source) {
        found.extend(import.names.iter().map(|name| format!("{}.{name}", import.module)));
        found.push(import.module);
    }
    found.extend(crate::imports::uses(source, ROOTS));
    // `os` has its functions from a module of the platform.
    for name in &mut found {
        if let Some(function) = name.strip_prefix("posix.").or_else(|| name.strip_prefix("nt.")) {
            *name = format!("os.{function}");
        }
    }
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
    let is_of = |one: &&str| match one.strip_suffix('*') {
        Some(start) => module.starts_with(start),
        None => module.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
    };
    list.iter().copied().find(|one| is_of(one))
}
