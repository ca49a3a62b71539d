#!/usr/bin/env python3
"""Build the wheels of this folder from src/, byte for byte the same everywhere.

Each folder in src/ is the tree of one wheel, as it will be installed, but for RECORD. This script
adds RECORD, packs the tree, and writes SHA256SUMS, pylock.toml and requirements.txt beside the wheels.

    python3 vendor-test-wheels/build.py            writes them anew
    python3 vendor-test-wheels/build.py --check    builds them in memory and compares

Python 3.8 or newer, the standard library alone. The same bytes come out on every Python and every
machine, because nothing here depends on one: entries are sorted, times are fixed, modes are 644 or 755,
and the archive is written by the few lines below, not by `zipfile` (whose headers changed between
versions) and `zlib` (whose output differs between builds of it).
"""

import base64
import csv
import hashlib
import io
import pathlib
import struct
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent

# 2024-01-01 00:00:00 as MS-DOS writes it.
DOS_TIME, DOS_DATE = 0, (2024 - 1980) << 9 | 1 << 5 | 1

# Entries are stored, but for those of this distribution, which are deflated.
DEFLATED = {"pipward_demo_table"}

# What pylock.toml says beyond the wheels' own metadata.
MARKERS = {"pipward-demo-console": "sys_platform == 'win32'"}


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit("usage: build.py [--check]")
    files = outputs()
    standing = {path.name for path in HERE.glob("*.whl")}
    if not arguments:
        for name in standing - set(files):
            (HERE / name).unlink()
        for name, content in files.items():
            (HERE / name).write_bytes(content)
        return
    wrong = sorted(standing - set(files))
    for name, content in files.items():
        path = HERE / name
        if not path.is_file() or path.read_bytes() != content:
            wrong.append(name)
    if wrong:
        sys.exit("not as built from src/: " + ", ".join(wrong))
    print("%d files are as built from src/" % len(files))


def outputs():
    """All files that this script writes, by name."""
    wheels = [Wheel(tree) for tree in sorted((HERE / "src").iterdir()) if tree.is_dir()]
    wheels.sort(key=lambda wheel: wheel.file_name)
    files = {wheel.file_name: wheel.content for wheel in wheels}
    sums = "".join("%s  %s\n" % (wheel.sha256, wheel.file_name) for wheel in wheels)
    files["SHA256SUMS"] = sums.encode()
    files["pylock.toml"] = pylock(wheels).encode()
    files["requirements.txt"] = requirements(wheels).encode()
    return files


class Wheel:
    """One wheel: the tree of a folder, with RECORD added."""

    def __init__(self, tree):
        (dist_info,) = [path.name for path in tree.iterdir() if path.name.endswith(".dist-info")]
        self.distribution, self.version = dist_info[: -len(".dist-info")].split("-")
        self.name = self.distribution.replace("_", "-")
        entries = []
        for path in tree.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                executable = path.stat().st_mode & 0o111 != 0
                entries.append((path.relative_to(tree).as_posix(), path.read_bytes(), executable))
        # As the binary distribution format recommends: .dist-info comes last.
        entries.sort(key=lambda entry: (entry[0].startswith(dist_info + "/"), entry[0].encode()))
        entries.append((dist_info + "/RECORD", record(entries, dist_info + "/RECORD"), False))

        self.metadata = headers(tree / dist_info / "METADATA")
        tags = headers(tree / dist_info / "WHEEL")["Tag"]
        parts = zip(*(tag.split("-") for tag in tags))
        compressed = "-".join(".".join(dict.fromkeys(part)) for part in parts)
        self.file_name = "%s-%s-%s.whl" % (self.distribution, self.version, compressed)
        self.content = archive(entries, self.distribution in DEFLATED)
        self.sha256 = hashlib.sha256(self.content).hexdigest()


def headers(path):
    """The headers of an RFC 822 file: each name with its values."""
    found = {}
    for line in path.read_text(encoding="utf-8").split("\n\n")[0].splitlines():
        name, value = line.split(": ", 1)
        found.setdefault(name, []).append(value)
    return found


def record(entries, own_path):
    """RECORD: path, urlsafe base64 of the SHA-256 without padding, size."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for path, content, _ in entries:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        rows.writerow([path, "sha256=" + digest.decode(), len(content)])
    rows.writerow([own_path, "", ""])
    return text.getvalue().encode()


def archive(entries, deflated):
    """A ZIP archive: local entries, central directory, end record, and nothing else."""
    out, directory = bytearray(), bytearray()
    for path, content, executable in entries:
        name = path.encode("utf-8")
        flags = 0 if path.isascii() else 1 << 11
        data = deflate(content) if deflated and content else content
        method = 8 if deflated and content else 0
        crc = zlib.crc32(content)
        common = struct.pack(
            "<HHHHHIIIHH",
            *(20, flags, method, DOS_TIME, DOS_DATE, crc, len(data), len(content), len(name), 0)
        )
        mode = 0o100755 if executable else 0o100644
        directory += b"PK\x01\x02" + struct.pack("<H", 3 << 8 | 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, mode << 16, len(out)) + name
        out += b"PK\x03\x04" + common + name + data
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), len(out), 0)
    return bytes(out + directory + b"PK\x05\x06" + end)


def deflate(content):
    """RFC 1951 with the fixed Huffman codes: small and the same everywhere, rather than good."""
    bits = Bits()
    bits.write(1, 1)  # the last block
    bits.write(1, 2)  # fixed codes
    seen, at = {}, 0
    while at < len(content):
        key = content[at : at + 3]
        start = seen.get(key)
        seen[key] = at
        length = 0
        if len(key) == 3 and start is not None and at - start <= 32768:
            longest = min(258, len(content) - at)
            while length < longest and content[start + length] == content[at + length]:
                length += 1
        if length >= 3:
            bits.length_and_distance(length, at - start)
            at += length
        else:
            bits.symbol(content[at])
            at += 1
    bits.symbol(256)
    packed = bits.finish()
    assert zlib.decompress(packed, -15) == content
    return packed


class Bits:
    """Bits of a deflate stream, least significant first."""

    def __init__(self):
        self.bytes, self.hold, self.count = bytearray(), 0, 0

    def write(self, value, width):
        self.hold |= value << self.count
        self.count += width
        while self.count >= 8:
            self.bytes.append(self.hold & 0xFF)
            self.hold >>= 8
            self.count -= 8

    def code(self, value, width):
        """Huffman codes go in with their most significant bit first."""
        self.write(int(format(value, "0%db" % width)[::-1], 2), width)

    def symbol(self, symbol):
        """RFC 1951, 3.2.6."""
        if symbol < 144:
            self.code(0b00110000 + symbol, 8)
        elif symbol < 256:
            self.code(0b110010000 + symbol - 144, 9)
        elif symbol < 280:
            self.code(symbol - 256, 7)
        else:
            self.code(0b11000000 + symbol - 280, 8)

    def length_and_distance(self, length, distance):
        """RFC 1951, 3.2.5."""
        if length == 258:
            self.symbol(285)
        else:
            index, extra, rest = bucket(length - 3, 4)
            self.symbol(257 + index)
            self.write(rest, extra)
        index, extra, rest = bucket(distance - 1, 2)
        self.code(index, 5)
        self.write(rest, extra)

    def finish(self):
        if self.count:
            self.write(0, 8 - self.count)
        return bytes(self.bytes)


def bucket(value, per_power):
    """The tables of RFC 1951, 3.2.5 as arithmetic: code, number of extra bits, and these bits."""
    extra, base = 0, per_power * 2
    if value < base:
        return value, 0, 0
    index = base
    while True:
        extra += 1
        for _ in range(per_power):
            if value < base + (1 << extra):
                return index, extra, value - base
            base += 1 << extra
            index += 1


def pylock(wheels):
    """The lock (PEP 751): one entry a release, its wheels as paths."""
    lines = ['lock-version = "1.0"', 'requires-python = ">=3.8"', 'created-by = "vendor-test-wheels/build.py"']
    for group in releases(wheels):
        first = group[0]
        lines += ["", "[[packages]]", 'name = "%s"' % first.name, 'version = "%s"' % first.version]
        if first.name in MARKERS:
            lines.append('marker = "%s"' % MARKERS[first.name])
        lines.append('requires-python = "%s"' % first.metadata["Requires-Python"][0])
        needs = sorted({need.split(" ")[0] for need in first.metadata.get("Requires-Dist", [])})
        if needs:
            lines.append("dependencies = [%s]" % ", ".join(dependency(need) for need in needs))
        lines.append("wheels = [")
        for wheel in group:
            values = (wheel.file_name, len(wheel.content), wheel.sha256)
            lines.append('    { path = "%s", size = %d, hashes = { sha256 = "%s" } },' % values)
        lines.append("]")
    return "\n".join(lines) + "\n"


def dependency(name):
    """A reference to another entry. Its marker stands in both, so that each tells alone when it applies."""
    marker = ', marker = "%s"' % MARKERS[name] if name in MARKERS else ""
    return '{ name = "%s"%s }' % (name, marker)


def requirements(wheels):
    """The same releases as pip's hashed requirements."""
    lines = ["--no-index", "--find-links .", ""]
    for group in releases(wheels):
        marker = MARKERS.get(group[0].name)
        line = "%s==%s" % (group[0].name, group[0].version)
        if marker:
            line += " ; " + marker
        lines += [line + " \\"] + ["    --hash=sha256:%s \\" % wheel.sha256 for wheel in group]
        lines[-1] = lines[-1][: -len(" \\")]
    return "\n".join(lines) + "\n"


def releases(wheels):
    """The wheels, grouped by release and sorted by name."""
    groups = {}
    for wheel in wheels:
        groups.setdefault(wheel.name, []).append(wheel)
    return [groups[name] for name in sorted(groups)]


if __name__ == "__main__":
    main(sys.argv[1:])
