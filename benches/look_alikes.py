#!/usr/bin/env python3
"""False alarms of the rule about look-alike names, among what well-known projects need.

    cargo build
    python3 benches/look_alikes.py target/debug/pipward FOLDER... [--table FILE] [--write needs.txt]

Asks no index. Looks for METADATA below the folders (`*.metadata`, `*.dist-info/METADATA`, a pipward cache's `metadata`, and in
wheels), takes the newest version of each of the 5,000 most downloaded projects (`src/policy/well_known.txt`) that is there, and
hands every name that these need to `pipward lock`, as requirements of a user, which is where the rule refuses. An alarm is a name
that it refuses. `--table` reads the same for all projects at once from an export of PyPI's public dataset, one JSON object a line:

    SELECT name, version, requires_dist FROM `bigquery-public-data.pypi.distribution_metadata`
    QUALIFY ROW_NUMBER() OVER (PARTITION BY name ORDER BY upload_time DESC) = 1

It prints the projects that were covered, their requirements, and each alarm with a project that needs it. With `--all-versions`
each version that is there counts.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
IMITATED = 5000


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def known():
    lines = (ROOT / "src/policy/well_known.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")][:IMITATED]


def key(version):
    """Orders versions well enough to tell the newest: final releases after pre-releases, by their numbers."""
    release = re.match(r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)(.*)", version.strip())
    if not release:
        return (0, (), False, version)
    numbers = tuple(int(part) for part in release[2].split("."))
    return (int(release[1] or 0), numbers, not re.match(r"[-_.]?(a|b|c|rc|dev|pre)", release[3]), release[3])


def metadata(text):
    """Name, version and the names that are needed."""
    head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    name, version = (re.search(rf"^{field}:\s*(\S+)", head, re.M) for field in ("Name", "Version"))
    if not name or not version:
        return None
    needs = re.findall(r"^Requires-Dist:\s*([A-Za-z0-9][A-Za-z0-9._-]*)", head, re.M)
    return normal(name[1]), version[1], sorted({normal(need) for need in needs})


def below(folders):
    for folder in folders:
        for directory, _, files in os.walk(folder):
            for file in files:
                path = pathlib.Path(directory, file)
                try:
                    if file.endswith(".metadata") or file == "METADATA" or path.parent.name == "metadata":
                        yield metadata(path.read_bytes().decode("utf-8", "replace"))
                    elif file.endswith(".whl"):
                        with zipfile.ZipFile(path) as wheel:
                            for entry in wheel.namelist():
                                if entry.endswith(".dist-info/METADATA") and entry.count("/") == 1:
                                    yield metadata(wheel.read(entry).decode("utf-8", "replace"))
                except (OSError, zipfile.BadZipFile):
                    continue


def table(path):
    for line in path.open() if path else ():
        row = json.loads(line)
        needs = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", need) for need in row.get("requires_dist") or ())
        yield normal(row["name"]), row["version"], sorted({normal(need[0]) for need in needs if need})


def refused(pipward, names):
    """The names that `pipward lock` calls look-alikes, each with what is said. Nothing is asked: the rule comes first."""
    with tempfile.TemporaryDirectory() as scratch:
        pathlib.Path(scratch, "all.in").write_text("".join(f"{name}\n" for name in names))
        words = [pipward.resolve(), "lock", "-r", "all.in", "--json", "--offline", "-i", "http://127.0.0.1:9/simple/"]
        variables = {**os.environ, "HOME": scratch, "PIPWARD_CACHE_DIR": f"{scratch}/cache"}
        ran = subprocess.run(words, cwd=scratch, env=variables, capture_output=True, text=True)
    found = json.loads(ran.stdout)
    errors = [error for error in found.get("problems", []) if error["code"] == "look-alike"]
    return {error["package"]: error["message"] for error in errors}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pipward", type=pathlib.Path)
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("--all-versions", action="store_true")
    parser.add_argument("--write", type=pathlib.Path, help="write the needed names here, one a line")
    arguments = parser.parse_args()
    top, releases = set(known()), {}
    for found in (*below(arguments.folders), *table(arguments.table)):
        if found and found[0] in top:
            releases.setdefault(found[0], {})[found[1]] = found[2]
    needed, edges = {}, 0
    for project, versions in sorted(releases.items()):
        newest = max(versions, key=key)
        for version, needs in versions.items():
            if version == newest or arguments.all_versions:
                edges += len(needs)
                for need in needs:
                    needed.setdefault(need, f"{project} {version}")
    # The rule is known to work here: what is no honest name is refused.
    canary = "reqeusts"
    alarms = refused(arguments.pipward, sorted({*needed, canary}))
    if canary not in alarms:
        sys.exit("the rule did not answer")
    del alarms[canary]
    print(f"{len(releases)} of the {IMITATED} most downloaded projects, {edges} requirements on {len(needed)} names, "
          f"{len(alarms)} alarms")
    for name, message in sorted(alarms.items()):
        print(f"  {name} (needed by {needed[name]}): {message}")
    if arguments.write:
        arguments.write.write_text("".join(f"{name}\n" for name in sorted(needed)))


if __name__ == "__main__":
    main()
