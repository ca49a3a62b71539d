//! pip-audit as the judge: the same locks and the same advisories, which an OSV service on the loopback gives it. That
//! service reads and matches by itself, in Python.
//!
//! Where the two differ, each kind of difference is shown with the sentence that decides it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::forms::tools;
use super::{audit, database, record, with};
use crate::support::run::{Run, kept_dir, pipward, repository, scratch};
use crate::support::world::write;
use crate::support::{long, loudly, offline};

/// An OSV service that answers from a folder of records.
struct Service {
    child: Child,
    port: u16,
}

impl Service {
    fn start(records: &Path) -> Self {
        let mut child = Command::new(tools().python())
            .arg(repository().join("tests/it/audit/osv_service.py"))
            .arg(records)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Package, version and ids of a finding.
type Row = (String, String, BTreeSet<String>);

/// The findings of a document of pip-audit's form, each with the versions that fix it. What is found twice counts twice.
fn rows(document: &str) -> BTreeMap<Row, Vec<String>> {
    let document: Value =
        serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}: {document}"));
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut rows = BTreeMap::new();
    for package in document["dependencies"].as_array().unwrap() {
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        for finding in package["vulns"].as_array().into_iter().flatten() {
            let mut ids: BTreeSet<String> = texts(&finding["aliases"]).into_iter().collect();
            ids.insert(finding["id"].as_str().unwrap().to_owned());
            rows.insert((text("name"), text("version"), ids), texts(&finding["fix_versions"]));
        }
    }
    rows
}

/// What pip-audit finds in a hashed requirements file.
fn theirs(service: &Service, requirements: &Path) -> BTreeMap<Row, Vec<String>> {
    let run = Run::new(tools().program("pip-audit"))
        .args(["--requirement".as_ref(), requirements.as_os_str()])
        .args(["--disable-pip", "--require-hashes", "--vulnerability-service", "osv"])
        .args(["--format", "json", "--aliases", "on", "--desc", "off", "--progress-spinner", "off"])
        .args(["--osv-url", &format!("http://127.0.0.1:{}/v1/query", service.port)])
        .run();
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.told());
    rows(&run.stdout)
}

/// Requirements whose hashes nobody looks at.
fn pinned(pins: &[&str]) -> String {
    pins.iter().map(|pin| format!("{pin} --hash=sha256:{}\n", "0".repeat(64))).collect()
}

#[test]
fn where_pip_audit_says_otherwise_a_sentence_decides() {
    if offline() {
        return;
    }
    let scratch = scratch();
    let directory = scratch.path();
    let until = |version: &'static str| [("introduced", "0"), ("fixed", version)];
    let entry = |name: &str, ranges: Value| json!({ "package": { "ecosystem": "PyPI", "name": name }, "ranges": ranges });
    let range = |from: &str, to: &str| json!({ "type": "ECOSYSTEM", "events": [{ "introduced": from }, { "fixed": to }] });
    database(
        directory,
        &[
            // All the same.
            with(record("PYSEC-1", "same", &until("2")), &json!({ "aliases": ["CVE-1"] })),
            with(record("GHSA-1", "same", &until("2")), &json!({ "aliases": ["CVE-1"] })),
            record("PYSEC-2", "same", &[("introduced", "3"), ("fixed", "4")]),
            with(record("PYSEC-3", "same", &until("2")), &json!({ "withdrawn": "2024-01-01T00:00:00Z" })),
            record("PYSEC-4", "local", &until("2.1")),
            // A local version of the last one that is affected.
            record("PYSEC-5", "local", &[("introduced", "0"), ("last_affected", "2.0")]),
            // Two records of one database that share an alias.
            with(record("PYSEC-6", "alias", &until("2")), &json!({ "aliases": ["CVE-6"] })),
            with(record("PYSEC-7", "alias", &until("3")), &json!({ "aliases": ["CVE-6"] })),
            // Two ranges in one entry.
            with(
                record("PYSEC-8", "ranges", &[]),
                &json!({ "affected": [entry("ranges", json!([range("0", "1.5"), range("2", "2.5")]))] }),
            ),
            // A name that is not normalised.
            record("PYSEC-9", "Odd_Name", &until("2")),
        ],
    );
    let pins = ["same==1", "local==2.0+cpu", "alias==1", "ranges==2.1", "odd-name==1"];
    write(directory, "requirements.txt", &pinned(&pins));
    let service = Service::start(&directory.join("db"));
    let theirs = theirs(&service, &directory.join("requirements.txt"));
    let ours = rows(&audit(directory, &["--format", "pip-audit"]).code(1).stdout);
    let row = |name: &str, version: &str, ids: &[&str]| {
        (name.to_owned(), version.to_owned(), ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>())
    };
    let same = [row("same", "1", &["PYSEC-1", "GHSA-1", "CVE-1"]), row("local", "2.0+cpu", &["PYSEC-4"])];
    for one in &same {
        assert!(ours.contains_key(one) && theirs.get(one) == ours.get(one), "{one:?}\n{theirs:?}\n{ours:?}");
    }
    // PEP 440: "local version identifiers … denote … versions of upstream projects": a build of an affected version is affected.
    // By the letter of OSV, 2.0+cpu comes after 2.0.
    let local = row("local", "2.0+cpu", &["PYSEC-5"]);
    assert!(ours.contains_key(&local) && !theirs.contains_key(&local));
    // OSV: "Aliases should be considered symmetric … and transitive".
    let joined = row("alias", "1", &["PYSEC-6", "PYSEC-7", "CVE-6"]);
    assert_eq!(ours[&joined], ["2", "3"]);
    assert!(theirs.keys().filter(|(name, ..)| name == "alias").count() == 2, "{theirs:?}");
    // OSV: "A version is considered affected if it lies within any one of the ranges": a fix is one of any of them.
    let ranges = row("ranges", "2.1", &["PYSEC-8"]);
    assert_eq!(
        (ours[&ranges].as_slice(), theirs[&ranges].as_slice()),
        (&["1.5", "2.5"].map(str::to_owned)[..], &["1.5".to_owned()][..])
    );
    // OSV: "the `name` field is a normalized PyPI package name"; ours is normalised where it is not.
    let odd = row("odd-name", "1", &["PYSEC-9"]);
    assert_eq!((ours[&odd].len(), theirs[&odd].len()), (1, 0));
    assert_eq!((ours.len(), theirs.len()), (6, 6), "{theirs:?}\n{ours:?}");
}

/// What is locked, for which Python and as of when: long enough ago to have vulnerabilities that are known since.
const LOCKS: [(&str, &str, &[&str]); 30] = [
    ("2021-06-01", "3.9", &["django", "djangorestframework"]),
    ("2020-10-01", "3.8", &["flask", "requests"]),
    ("2022-03-01", "3.9", &["jupyter-core", "notebook"]),
    ("2021-01-15", "3.8", &["pillow", "numpy"]),
    ("2023-02-01", "3.9", &["tensorflow"]),
    ("2023-06-20", "3.10", &["dask", "distributed", "bokeh"]),
    ("2021-10-20", "3.9", &["aiohttp", "fastapi", "uvicorn"]),
    ("2022-06-15", "3.10", &["ansible-core", "paramiko"]),
    ("2023-06-01", "3.10", &["langchain"]),
    ("2022-05-15", "3.9", &["geopandas", "shapely", "ipython"]),
    ("2023-09-01", "3.10", &["gradio"]),
    ("2022-10-01", "3.9", &["wagtail"]),
    ("2020-12-15", "3.8", &["cryptography", "pyopenssl", "urllib3"]),
    ("2023-01-20", "3.10", &["mlflow"]),
    ("2022-08-01", "3.9", &["opencv-python-headless", "scikit-learn"]),
    ("2021-03-10", "3.9", &["rsa", "pyjwt", "ecdsa", "httplib2"]),
    ("2024-01-15", "3.11", &["jupyterlab", "nbconvert"]),
    ("2022-05-05", "3.9", &["celery", "redis", "kombu"]),
    ("2023-03-01", "3.11", &["werkzeug", "jinja2", "certifi"]),
    ("2021-08-08", "3.9", &["sqlalchemy", "lxml", "psycopg2-binary"]),
    ("2022-12-01", "3.10", &["torch", "transformers"]),
    ("2021-05-20", "3.9", &["babel", "sphinx", "pygments"]),
    ("2023-05-01", "3.9", &["starlette", "python-multipart", "httpx"]),
    ("2022-02-02", "3.9", &["twisted", "treq"]),
    ("2021-11-11", "3.9", &["nltk", "joblib"]),
    ("2020-09-01", "3.8", &["bleach", "markdown2", "py"]),
    ("2023-08-15", "3.10", &["streamlit"]),
    ("2022-09-09", "3.9", &["protobuf", "grpcio", "oauthlib"]),
    ("2024-03-01", "3.11", &["vyper"]),
    ("2022-06-01", "3.9", &["requests-oauthlib", "zipp", "certifi", "idna", "setuptools", "tornado"]),
];

/// `PIPWARD_TEST_ADVISORIES` names a folder of the PyPA advisory database, of a day after the locks' cutoffs.
#[test]
fn on_real_locks_the_findings_are_those_of_pip_audit() {
    let advisories = std::env::var_os("PIPWARD_TEST_ADVISORIES").map(PathBuf::from);
    let Some(advisories) = advisories.filter(|_| long()) else {
        return loudly(
            "PIPWARD_TEST_LONG and PIPWARD_TEST_ADVISORIES are not set: pip-audit judges no real locks",
        );
    };
    if offline() {
        return;
    }
    let service = Service::start(&advisories);
    let place = kept_dir("audited");
    let (mut packages, mut findings, mut with_findings) = (0, 0, 0);
    let mut different = Vec::new();
    for (day, python, names) in LOCKS {
        let file = place.join(format!("{day}-{}.txt", names[0]));
        if !file.is_file() {
            let environment = ["--no-universal", "--python-version", python, "--python-platform", "linux"];
            pipward(["lock", "--uploaded-prior-to", day, "--format", "requirements", "-o"])
                .arg(&file)
                .args(environment)
                .args(names)
                .shared_cache()
                .run()
                .ok();
        }
        let theirs = theirs(&service, &file);
        let ours =
            pipward(["audit", "--format", "pip-audit", "--db"]).arg(&advisories).arg("-r").arg(&file).run();
        assert!(matches!(ours.code, Some(0 | 1)), "{}", ours.told());
        let document: Value = serde_json::from_str(&ours.stdout).unwrap();
        packages += document["dependencies"].as_array().unwrap().len();
        let ours = rows(&ours.stdout);
        findings += ours.len();
        with_findings += usize::from(!ours.is_empty());
        let all: BTreeSet<&Row> = ours.keys().chain(theirs.keys()).collect();
        for row in all {
            if ours.get(row) != theirs.get(row) {
                different.push(format!("{row:?}: ours {:?}, theirs {:?}", ours.get(row), theirs.get(row)));
            }
        }
    }
    loudly(&format!(
        "pip-audit: {} locks ({with_findings} with findings), {packages} packages, {findings} findings, {} different",
        LOCKS.len(),
        different.len()
    ));
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(findings > 100);
}
