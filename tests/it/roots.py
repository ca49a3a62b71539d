"""An independent check of a universal lock, written with `packaging`.

    roots.py LOCK ROOTS PEER CACHE

LOCK is the pylock.toml, ROOTS has one requirement a line, PEER is the answer of another tool for the same roots
(`name==version ; marker` a line), CACHE is a folder that keeps the metadata of wheels. For each of twelve
environments it selects from the lock as PEP 751 says, reads the METADATA of each selected wheel (PEP 658), and sees
that

- every requirement whose marker holds is satisfied by a selected package, its extras followed,
- nothing is selected that no requirement reaches,
- `Requires-Python` fits, and so do the tags of some wheel.

Then it compares the versions with the peer's, row by row. The first line of the output is "rows N equal N"; faults
are told on lines of their own, and the exit code is 1 where there are any.
"""

import concurrent.futures
import io
import pathlib
import re
import sys
import time
import tomllib
import urllib.error
import urllib.request
import zipfile

from packaging.metadata import Metadata
from packaging.pylock import Pylock
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

SYSTEMS = {
    "linux": ("linux", "Linux", "posix"),
    "macos": ("darwin", "Darwin", "posix"),
    "windows": ("win32", "Windows", "nt"),
}
ENVIRONMENTS = [
    *(("linux", "x86_64", minor) for minor in (10, 11, 12, 13)),
    *(("linux", "aarch64", minor) for minor in (10, 13)),
    *(("macos", "arm64", minor) for minor in (11, 13)),
    *(("macos", "x86_64", minor) for minor in (10,)),
    *(("windows", "AMD64", minor) for minor in (10, 12, 13)),
]


class Environment:
    """One environment: its markers and its tags, best first."""

    def __init__(self, system, machine, minor):
        self.name = f"{system}-{machine}-3.{minor}"
        self.python = Version(f"3.{minor}.9")
        sys_platform, platform_system, os_name = SYSTEMS[system]
        self.markers = {
            "implementation_name": "cpython",
            "implementation_version": str(self.python),
            "os_name": os_name,
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": platform_system,
            "platform_version": "",
            "python_full_version": str(self.python),
            "python_version": f"3.{minor}",
            "sys_platform": sys_platform,
            "extra": "",
        }
        if system == "linux":
            lowest = 5 if machine == "x86_64" else 17
            platforms = [f"manylinux_2_{glibc}_{machine}" for glibc in range(40, lowest - 1, -1)]
            platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
            if machine == "x86_64":
                platforms += ["manylinux2010_x86_64", "manylinux1_x86_64"]
        elif system == "macos":
            platforms = list(mac_platforms((15, 0), machine))
        else:
            platforms = ["win_amd64"]
        version = (3, minor)
        self.tags = list(cpython_tags(version, platforms=platforms, abis=[f"cp3{minor}"]))
        self.tags += list(compatible_tags(version, interpreter=f"cp3{minor}", platforms=platforms))
        self.ranks: dict[Tag, int] = {tag: rank for rank, tag in enumerate(self.tags)}

    def holds(self, marker, extra=""):
        return marker is None or marker.evaluate({**self.markers, "extra": extra})

    def wheel(self, wheels):
        """The wheel with the best tag, and whether it fits; else the first, which then speaks for the version."""
        best = None
        for wheel in wheels:
            _, _, build, tags = parse_wheel_filename(wheel.filename)
            rank = min((self.ranks[tag] for tag in tags if tag in self.ranks), default=None)
            if rank is not None:
                key = (rank, tuple(-part if isinstance(part, int) else 0 for part in build))
                best = min(best, (key, wheel), key=lambda pair: pair[0]) if best else (key, wheel)
        return (best[1], True) if best else (wheels[0], False)


def download(url, tries=5):
    """What stands at an address; nothing where the index has no such file."""
    for wait in range(tries):
        try:
            with urllib.request.urlopen(url, timeout=600) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            failure = error
        except OSError as error:
            failure = error
        time.sleep(2**wait)
    raise failure


class Metadatas:
    """The METADATA of wheels, fetched once and kept."""

    def __init__(self, folder):
        self.folder = folder
        self.parsed = {}

    def fetch(self, wheel):
        place = self.folder / f"{wheel.filename}.metadata"
        if not place.exists():
            content = download(f"{wheel.url}.metadata")
            if content is None:
                content = self.out_of(wheel)
            part = place.with_suffix(".part")
            part.write_bytes(content)
            part.rename(place)
        return place

    def out_of(self, wheel):
        """The METADATA of a wheel that has none beside it, out of the whole of it."""
        archive = zipfile.ZipFile(io.BytesIO(download(wheel.url)))
        [name] = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        return archive.read(name)

    def fetch_all(self, wheels):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(self.fetch, wheels))

    def of(self, wheel):
        if wheel.filename not in self.parsed:
            text = self.fetch(wheel).read_bytes()
            self.parsed[wheel.filename] = Metadata.from_email(text, validate=False)
        return self.parsed[wheel.filename]


def select(lock, environment):
    """The packages of the lock that count here, by name, each with its wheel."""
    selected, faults = {}, []
    if lock.requires_python and not lock.requires_python.contains(environment.python):
        faults.append("the lock is for other Pythons")
    for package in lock.packages:
        marker = package.marker
        if marker is not None and not marker.evaluate(environment.markers, context="lock_file"):
            continue
        if package.name in selected:
            faults.append(f"{package.name} is selected twice")
        selected[package.name] = (package, environment.wheel(package.wheels or []))
    return selected, faults


def follow(roots, selected, environment, metadatas):
    """What is wrong with a selection, from the roots on."""
    faults, reached, done = [], set(), set()
    open_ = [(None, requirement, "") for requirement in roots]
    while open_:
        whence, requirement, extra = open_.pop()
        if not environment.holds(requirement.marker, extra):
            continue
        name = canonicalize_name(requirement.name)
        if name not in selected:
            faults.append(f"{whence or 'a root'} needs {requirement}, which is not selected")
            continue
        package, (wheel, _) = selected[name]
        reached.add(name)
        if not requirement.specifier.contains(package.version, prereleases=True):
            faults.append(f"{whence or 'a root'} needs {requirement}, and {package.version} is selected")
        metadata = metadatas.of(wheel)
        for extra in ["", *map(canonicalize_name, requirement.extras)]:
            if (name, extra) not in done:
                done.add((name, extra))
                open_ += [(name, needed, extra) for needed in metadata.requires_dist or []]
        python = metadata.requires_python or SpecifierSet()
        if not python.contains(environment.python):
            faults.append(f"{name} {package.version} needs Python {python}")
    faults += [f"{name} is superfluous" for name in selected.keys() - reached]
    return sorted(set(faults))


def peers_choice(path, environment):
    chosen = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith(("#", " ")):
            requirement = Requirement(line)
            if environment.holds(requirement.marker):
                name = canonicalize_name(requirement.name)
                version = str(requirement.specifier).removeprefix("==")
                chosen.setdefault(name, set()).add(Version(version))
    return chosen


def main(lock, roots, peer, cache):
    lock = Pylock.from_dict(tomllib.loads(pathlib.Path(lock).read_text(encoding="utf-8")))
    roots = [Requirement(line) for line in pathlib.Path(roots).read_text().splitlines() if line[:1] not in ("", "#")]
    metadatas = Metadatas(pathlib.Path(cache))
    rows = equal = 0
    faults, differences, unmet = [], {}, {}
    environments = [Environment(*parts) for parts in ENVIRONMENTS]
    selections = [select(lock, environment) for environment in environments]
    wheels = {wheel.filename: wheel for chosen, _ in selections for _, (wheel, _) in chosen.values()}
    metadatas.fetch_all(wheels.values())
    for environment, (selected, wrong) in zip(environments, selections):
        wrong += follow(roots, selected, environment, metadatas)
        faults += [f"FAULT {environment.name}: {fault}" for fault in wrong]
        for name, (package, (_, fits)) in selected.items():
            if not fits:
                unmet.setdefault(f"{name} {package.version}", []).append(environment.name)
        theirs = peers_choice(pathlib.Path(peer), environment)
        for name in sorted(theirs.keys() | selected.keys()):
            ours = {selected[name][0].version} if name in selected else set()
            rows += 1
            if ours == theirs.get(name, set()):
                equal += 1
            else:
                told = [", ".join(map(str, sorted(side))) or "-" for side in (ours, theirs.get(name, ()))]
                differences.setdefault(f"{name}: {told[0]} and not {told[1]}", []).append(environment.name)
    print(f"rows {rows} equal {equal}")
    for what, where in sorted(differences.items()):
        print(f"differs: {what} on {len(where)}: {', '.join(where)}")
    for what, where in sorted(unmet.items()):
        print(f"no wheel: {what} on {len(where)}: {', '.join(where)}")
    print("\n".join(faults))
    return bool(faults)


sys.exit(main(*sys.argv[1:]))
