//! Universal locks of real projects: judged by an independent check that is written with `packaging` (`roots.py`), and
//! compared with uv's answer to the same question.
//!
//! `PIPWARD_TEST_LONG=1` takes all roots, else two small ones are taken. `PIPWARD_TEST_ROOTS=jupyter,popular` takes those
//! named.

use std::path::Path;

use crate::support::peers::peers;
use crate::support::run::{Run, kept_dir, pipward, repository, scratch};
use crate::support::{long, loudly, offline};

/// Files that are younger do not exist for either side.
const CUTOFF: &str = "2026-10-01T00:00:00Z";
/// The least that has to be equal, of a hundred rows.
const EQUAL: usize = 95;

/// A name, and the requirements to lock. `popular` stands in a file.
const ROOTS: &[(&str, &[&str])] = &[
    ("flask", &["flask"]),
    ("django", &["django", "djangorestframework"]),
    ("fastapi", &["fastapi[standard]"]),
    ("pandas", &["pandas", "pyarrow"]),
    ("polars", &["polars"]),
    ("dask", &["dask[complete]"]),
    ("jupyter", &["jupyter"]),
    ("jupyterlab", &["jupyterlab"]),
    ("boto3", &["boto3"]),
    ("google", &["google-cloud-storage", "google-cloud-bigquery"]),
    ("azure", &["azure-identity", "azure-storage-blob"]),
    ("pytest", &["pytest", "pytest-cov", "pytest-xdist", "pytest-asyncio", "pytest-mock", "pytest-django"]),
    ("tox", &["tox", "hypothesis"]),
    ("science", &["scikit-learn", "matplotlib"]),
    ("torch", &["torch"]),
    ("transformers", &["transformers[torch]"]),
    ("tensorflow", &["tensorflow"]),
    ("sphinx", &["sphinx", "sphinx-rtd-theme", "furo", "myst-parser", "sphinx-copybutton"]),
    ("tools", &["black", "ruff", "mypy"]),
    ("scrapy", &["scrapy"]),
    ("celery", &["celery[redis]"]),
    (
        "opentelemetry",
        &[
            "opentelemetry-distro",
            "opentelemetry-exporter-otlp",
            "opentelemetry-instrumentation-requests",
            "opentelemetry-instrumentation-flask",
        ],
    ),
    ("streamlit", &["streamlit"]),
    (
        "airflow",
        &[
            "apache-airflow",
            "apache-airflow-providers-amazon",
            "apache-airflow-providers-google",
            "apache-airflow-providers-cncf-kubernetes",
            "apache-airflow-providers-http",
            "apache-airflow-providers-postgres",
        ],
    ),
    ("popular", &[]),
];

/// What is taken without `PIPWARD_TEST_LONG`.
const SAMPLE: [&str; 2] = ["flask", "tools"];

#[test]
fn universal_locks_of_real_roots_satisfy_the_metadata_and_agree_with_uv() {
    if offline() {
        return;
    }
    let named = std::env::var("PIPWARD_TEST_ROOTS").unwrap_or_default();
    let named: Vec<&str> = named.split(',').filter(|name| !name.is_empty()).collect();
    let taken = |name: &str| match named.as_slice() {
        [] => long() || SAMPLE.contains(&name),
        named => named.contains(&name),
    };
    let (mut rows, mut equal, mut failed) = (0, 0, Vec::new());
    for (name, roots) in ROOTS.iter().filter(|(name, _)| taken(name)) {
        let judged = judge(name, roots);
        loudly(&format!("{name}: {}", judged.told));
        rows += judged.rows;
        equal += judged.equal;
        if judged.faulty {
            failed.push(*name);
        }
    }
    loudly(&format!("all roots: rows {rows} equal {equal}"));
    assert!(failed.is_empty(), "these locks are wrong: {failed:?}");
    assert!(equal * 100 >= rows * EQUAL && rows > 0, "{equal} of {rows} rows are equal to uv's");
}

struct Judged {
    rows: usize,
    equal: usize,
    faulty: bool,
    told: String,
}

/// Locks with both, and lets `roots.py` compare.
fn judge(name: &str, roots: &[&str]) -> Judged {
    let scratch = scratch();
    let list = scratch.path().join("roots.txt");
    match roots {
        [] => std::fs::copy(repository().join("tests/data").join(format!("{name}.txt")), &list)
            .map(drop)
            .unwrap(),
        roots => std::fs::write(&list, roots.join("\n") + "\n").unwrap(),
    }
    let (lock, peer) = (scratch.path().join("pylock.toml"), scratch.path().join("peer.txt"));
    ours(&list, &lock);
    uvs(&list, &peer);
    let judge = Run::new(peers().python()).args(["-I", "-B"]).arg(repository().join("tests/it/roots.py"));
    let judge = judge.arg(&lock).arg(&list).arg(&peer).arg(kept_dir("roots-metadata")).run();
    let first = judge.stdout.lines().next().unwrap_or_default();
    let words: Vec<&str> = first.split(' ').collect();
    let ["rows", rows, "equal", equal] = words.as_slice() else { panic!("{name}: {}", judge.told()) };
    Judged {
        rows: rows.parse().unwrap(),
        equal: equal.parse().unwrap(),
        faulty: judge.code != Some(0),
        told: judge.stdout.trim_end().to_owned(),
    }
}

fn ours(list: &Path, lock: &Path) {
    pipward(["lock", "--python-version", "3.10", "--uploaded-prior-to", CUTOFF, "-r"])
        .arg(list)
        .arg("-o")
        .arg(lock)
        .shared_cache()
        .run()
        .ok();
}

fn uvs(list: &Path, answer: &Path) {
    peers()
        .uv(["pip", "compile", "--universal", "--only-binary", ":all:", "--python-version", "3.10"])
        .args(["--exclude-newer", CUTOFF, "--no-annotate", "--no-header", "-q", "-o"])
        .arg(answer)
        .arg(list)
        .run()
        .ok();
}
