"""Writes the expectations of tests/it/tags.rs: what packaging.tags.sys_tags() says of other builds and platforms.

Run with a Python that has packaging 26.3: `python generate.py`. Each case becomes `<case>.txt`, one tag a line,
best first, after a line that describes build and platform for the test.
"""

import importlib.machinery
import pathlib
import platform
import sys
import sysconfig
import types

from packaging import _manylinux, _musllinux, tags

HERE = pathlib.Path(__file__).parent

GLIBC, MUSL, MAC, WINDOWS = "glibc", "musl", "macos", "windows"

# case: implementation, (major, minor), flags, EXT_SUFFIX abi part, libc or system, arch, (major, minor)
CASES = {
    "cp312-glibc-2.28-x86_64": ("cpython", (3, 12), "", None, GLIBC, "x86_64", (2, 28)),
    "cp38-glibc-2.17-x86_64": ("cpython", (3, 8), "", None, GLIBC, "x86_64", (2, 17)),
    "cp39d-glibc-2.17-aarch64": ("cpython", (3, 9), "d", None, GLIBC, "aarch64", (2, 17)),
    "cp313t-glibc-2.18-aarch64": ("cpython", (3, 13), "t", None, GLIBC, "aarch64", (2, 18)),
    "cp314td-musl-1.2-x86_64": ("cpython", (3, 14), "td", None, MUSL, "x86_64", (1, 2)),
    "cp310-musl-1.1-aarch64": ("cpython", (3, 10), "", None, MUSL, "aarch64", (1, 1)),
    "cp311-glibc-2.6-i686": ("cpython", (3, 11), "", None, GLIBC, "i686", (2, 6)),
    "cp38-glibc-2.19-armv8l": ("cpython", (3, 8), "", None, GLIBC, "armv8l", (2, 19)),
    "cp38-glibc-3.1-s390x": ("cpython", (3, 8), "", None, GLIBC, "s390x", (3, 1)),
    "cp38-glibc-2.30-mips64": ("cpython", (3, 8), "", None, GLIBC, "mips64", (2, 30)),
    "pp310-glibc-2.17-x86_64": ("pypy", (3, 10), "", "pypy310-pp73", GLIBC, "x86_64", (2, 17)),
    "graalpy312-glibc-2.17-x86_64": ("graalpy", (3, 12), "", "graalpy312-250-native", GLIBC, "x86_64", (2, 17)),
    "cp39-macos-10.9-x86_64": ("cpython", (3, 9), "", None, MAC, "x86_64", (10, 9)),
    "cp38-macos-12.3-x86_64": ("cpython", (3, 8), "", None, MAC, "x86_64", (12, 3)),
    "cp313-macos-14.5-arm64": ("cpython", (3, 13), "", None, MAC, "arm64", (14, 5)),
    "pp39-macos-11.0-arm64": ("pypy", (3, 9), "", "pypy39-pp73", MAC, "arm64", (11, 0)),
    "cp313-windows-amd64": ("cpython", (3, 13), "", None, WINDOWS, "amd64", (0, 0)),
    "cp314t-windows-arm64": ("cpython", (3, 14), "t", None, WINDOWS, "arm64", (0, 0)),
    "cp38-windows-x86": ("cpython", (3, 8), "", None, WINDOWS, "x86", (0, 0)),
}


def pretend(implementation, version, flags, abi, system, arch, number):
    nodot = "".join(map(str, version))
    suffix = f".{abi or 'cpython-' + nodot}-x.so"
    variables = {
        "Py_DEBUG": 1 if "d" in flags else 0,
        "Py_GIL_DISABLED": 1 if "t" in flags else 0,
        "py_version_nodot": nodot,
        "EXT_SUFFIX": suffix,
        "WITH_PYMALLOC": 1,
    }
    windows = {"amd64": "win-amd64", "arm64": "win-arm64", "x86": "win32"}
    sysconfig.get_config_var = variables.get
    sysconfig.get_platform = lambda: {WINDOWS: windows.get(arch), MAC: "macosx"}.get(system, f"linux-{arch}")
    platform.system = lambda: {WINDOWS: "Windows", MAC: "Darwin"}.get(system, "Linux")
    platform.mac_ver = lambda: (".".join(map(str, number)), ("", "", ""), arch)
    allowed = _manylinux._ALLOWED_ARCHS | {"i686", "armv7l"}
    _manylinux._have_compatible_abi = lambda _, archs: system == GLIBC and bool(allowed & set(archs))
    _manylinux._get_glibc_version = lambda: _manylinux._GLibCVersion(*number)
    _musllinux._get_musl_version = lambda _: _musllinux._MuslVersion(*number) if system == MUSL else None
    tags.EXTENSION_SUFFIXES = importlib.machinery.EXTENSION_SUFFIXES
    tags.sys = types.SimpleNamespace(
        version_info=(*version, 0),
        implementation=types.SimpleNamespace(name=implementation),
        executable=sys.executable,
        maxunicode=sys.maxunicode,
    )


for name, case in CASES.items():
    pretend(*case)
    implementation, version, flags, abi, system, arch, number = case
    known_abi = (abi or "").replace("-", "_") or "-"
    head = [implementation, *map(str, version), flags or "-", known_abi, system, arch, *map(str, number)]
    lines = [" ".join(head), *map(str, tags.sys_tags())]
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
