"""Reads archives with zipfile: each comes as its length (four bytes, little-endian) and its bytes, and is answered with a
length and either E and why not, or F and for each file the lengths of its name and content, and both."""

import io
import os
import sys
import zipfile

# What keeps a reader from the rest of the machine: an archive is inflated whole.
MOST = 64 << 20


def files(data):
    answer = [b"F"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            if member.file_size > MOST:
                raise ValueError("too large")
            # What extractall makes of the name (3.11, _extract_member).
            name = os.path.splitdrive(member.filename)[1]
            name = "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
            name = name.encode("utf-8", "surrogatepass")
            content = archive.read(member)
            answer += [len(name).to_bytes(4, "little"), len(content).to_bytes(4, "little"), name, content]
    return b"".join(answer)


while True:
    length = sys.stdin.buffer.read(4)
    if len(length) < 4:
        break
    data = sys.stdin.buffer.read(int.from_bytes(length, "little"))
    try:
        answer = files(data)
    except Exception as error:
        answer = b"E" + repr(error).encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(len(answer).to_bytes(4, "little") + answer)
    sys.stdout.buffer.flush()
