//! The imports of a module, found line by line: a plain scan, which sees what an honest author writes and what a careless
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
/// Ways to import by a text.
const BY_TEXT: &[&str] = &["__import__(", "import_module("];

/// The dotted names that a module imports, and the functions of `os` that start processes and are called.
pub(super) fn of(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in source.lines() {
        let code = line.split('#').next().unwrap_or(line);
        for statement in code.split(';') {
            statements(statement.trim(), &mut found);
        }
        for way in BY_TEXT {
            found.extend(code.split(way).skip(1).filter_map(quoted));
        }
        let is_called = |name: &&&str| code.contains(&format!("{name}("));
        found.extend(CALLS.iter().filter(is_called).map(|name| (*name).to_owned()));
    }
    found
}

fn statements(statement: &str, found: &mut Vec<String>) {
    // `try: import x`, `else: import x`: what stands behind a colon on one line.
    let statement = match statement.split_once(": ") {
        Some((head, rest)) if !head.contains(['"', '\'', '(', '{', '[']) => rest.trim(),
        _ => statement,
    };
    if let Some(rest) = statement.strip_prefix("import ") {
        for part in rest.split(',') {
            found.extend(dotted(part));
        }
    } else if let Some((module, names)) =
        statement.strip_prefix("from ").and_then(|rest| rest.split_once(" import"))
        && let Some(module) = dotted(module)
    {
        let names = names.trim().trim_start_matches('(');
        let beneath = names.split(',').filter_map(dotted).map(|name| format!("{module}.{name}"));
        found.extend(beneath.collect::<Vec<_>>());
        found.push(module);
    }
}

/// The dotted name that a text begins with; none for a relative one.
fn dotted(text: &str) -> Option<String> {
    let word = text.split_whitespace().next()?;
    let end = word.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(word.len());
    let name = word.get(..end)?;
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_') && !name.ends_with('.');
    is_name.then(|| name.to_owned())
}

fn quoted(text: &str) -> Option<String> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    dotted(text.get(1..)?.split(quote).next()?)
}

/// Whether a module is one of the network.
pub(super) fn is_network(module: &str) -> bool {
    is_of(module, NETWORK)
}

/// Whether a module or function starts processes.
pub(super) fn is_process(module: &str) -> bool {
    is_of(module, PROCESS)
}

/// Whether a module calls machine code.
pub(super) fn is_machine(module: &str) -> bool {
    is_of(module, MACHINE)
}

fn is_of(module: &str, list: &[&str]) -> bool {
    list.iter()
        .any(|one| module.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}
