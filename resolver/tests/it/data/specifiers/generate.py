"""Writes the expectations of tests/it/ranges.rs: what packaging.specifiers says of versions and specifier sets.

Run with a Python that has packaging 26.3: `python generate.py`. The first line of `packaging.txt` lists versions; each
other line is a specifier set, a tab, and a 1 or 0 for each version. The seed is fixed. `===` is left out: packaging
compares its text, the solver its release.
"""

import pathlib
import random

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

random.seed(440)
SUFFIXES = ["", ".dev0", ".dev1", "a1", "a1.dev1", "a1.post1", "a2", "b1", "rc1", "rc1.post1.dev2", ".post0", ".post1",
            ".post1.dev0", ".post2"]
RELEASES = ["0", "1", "1.0", "1.0.1", "1.1", "1.2", "1.2.3", "1.10", "2", "2.0.0.1", "1!0", "1!1.0", "1!1.1", "2024.1"]
LOCALS = ["", "", "", "+1", "+a", "+a.1", "+10.z"]
OPERATORS = ["==", "!=", "<", "<=", ">", ">=", "~="]


def version(local):
    return random.choice(RELEASES) + random.choice(SUFFIXES) + (random.choice(LOCALS) if local else "")


def specifier():
    operator = random.choice(OPERATORS)
    if operator in ("==", "!=") and random.random() < 0.4:
        return operator + random.choice(RELEASES) + ".*"
    return operator + version(local=operator in ("==", "!="))


versions = sorted({version(local=True) for _ in range(400)}, key=lambda text: (Version(text), text))
sets = set()
while len(sets) < 500:
    text = ",".join(specifier() for _ in range(random.choice([1, 1, 1, 2, 3])))
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        continue
    sets.add(text)

lines = [" ".join(versions)]
for text in sorted(sets):
    known = SpecifierSet(text)
    bits = "".join("1" if known.contains(v, prereleases=True) else "0" for v in versions)
    lines.append(f"{text}\t{bits}")
path = pathlib.Path(__file__).parent / "packaging.txt"
path.write_text("\n".join(lines) + "\n", encoding="utf-8")
