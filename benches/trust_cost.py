#!/usr/bin/env python3
"""What the checks of trust cost when a lock is made warm: pairs of runs, with and without, and the ratio of them.

    cargo build --release
    python3 benches/trust_cost.py target/release/pipward [--roots jupyter] [--rounds 15]

With: the defaults of a pipward.toml that says nothing of a policy, by an index that offers provenance (each lock proves it
anew, since none stands). Without: every level `allow`, no waiting, and an index whose pages name no provenance. Both indexes
are on this machine and hand on the pages of PyPI as they were when first asked for; everything else comes from its own
addresses. The first run of each fills its cache; later ones are measured in turns, each side first in every second pair.
"""

import argparse
import http.server
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

TYPE = "application/vnd.pypi.simple.v1+json"
CODES = (
    "look-alike namespace-foreign project-archived project-deprecated provenance-invalid provenance-lost "
    "publisher-changed publisher-required release-age release-yanked"
).split()
PAGES = {}
LOCK = threading.Lock()


def page(name):
    """A page of PyPI, asked for once; None where there is none."""
    with LOCK:
        if name not in PAGES:
            asked = urllib.request.Request(f"https://pypi.org/simple/{name}/", headers={"Accept": TYPE})
            try:
                with urllib.request.urlopen(asked) as answer:
                    PAGES[name] = json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
                PAGES[name] = None
        return PAGES[name]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        _, side, _, name, *_ = self.path.split("/") + ["", "", ""]
        found = page(name)
        if found is not None and side == "without":
            files = [{key: value for key, value in file.items() if key != "provenance"} for file in found["files"]]
            found = {**found, "files": files}
        body = b"" if found is None else json.dumps(found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=86400")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pipward", type=pathlib.Path)
    parser.add_argument("--roots", nargs="+", default=["jupyter"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--python", help="lock for this interpreter")
    arguments = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as scratch:
        measure(arguments, pathlib.Path(scratch), server.server_port)


def measure(arguments, scratch, port):
    for side in ("with", "without"):
        directory = scratch / side
        directory.mkdir()
        text = (
            f'[[index]]\nname = "here"\nurl = "http://127.0.0.1:{port}/{side}/simple/"\n'
            'file-hosts = ["files.pythonhosted.org"]\n'
        )
        if side == "without":
            text += '[policy]\nmin-release-age = "0h"\n' + "".join(f'{code} = "allow"\n' for code in CODES)
        (directory / "pipward.toml").write_text(text)

    def run(side):
        directory = scratch / side
        (directory / "pylock.toml").unlink(missing_ok=True)
        words = [arguments.pipward.resolve(), "lock", *arguments.roots, "-o", "pylock.toml"]
        words += ["--python", arguments.python] if arguments.python else []
        variables = {**os.environ, "HOME": str(directory), "PIPWARD_CACHE_DIR": str(directory / "cache")}
        begun = time.perf_counter()
        ran = subprocess.run(words, cwd=directory, env=variables, capture_output=True, text=True)
        taken = time.perf_counter() - begun
        if ran.returncode != 0:
            raise SystemExit(f"{side}: exit {ran.returncode}\n{ran.stderr}")
        return taken

    for side in ("with", "without", "with", "without"):
        run(side)
    locked = {side: (scratch / side / "pylock.toml").read_text() for side in ("with", "without")}
    count = {side: text.count("[[packages]]") for side, text in locked.items()}
    print(f"packages: {count['with']} with, {count['without']} without; "
          f"publishers: {locked['with'].count('kind = ')} with, {locked['without'].count('kind = ')} without")
    taken = {"with": [], "without": []}
    for at in range(arguments.rounds):
        for side in ("with", "without") if at % 2 == 0 else ("without", "with"):
            taken[side].append(run(side))
    ratios = sorted(one / other for one, other in zip(taken["with"], taken["without"]))
    for side, times in taken.items():
        print(f"{side:8} median {statistics.median(times) * 1000:7.1f} ms, least {min(times) * 1000:7.1f} ms")
    middle = statistics.median(taken["with"]) / statistics.median(taken["without"])
    print(f"ratio of medians {middle:.3f}; of pairs, median {statistics.median(ratios):.3f} "
          f"({ratios[0]:.3f} to {ratios[-1]:.3f}, {len(ratios)} pairs)")


if __name__ == "__main__":
    main()
