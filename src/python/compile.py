import sys

# "" stands for the directory that this was started in, where anything may lie.
sys.path = [entry for entry in sys.path if entry]
import importlib.util, marshal, warnings

warnings.simplefilter("ignore")
source, sink = sys.stdin.buffer, sys.stdout.buffer


def block():
    length = source.readline()
    return source.read(int(length)) if length else None


while True:
    path = block()
    if path is None:
        break
    text = block()
    path = path.decode("utf-8", "surrogateescape")
    place = compiled = b""
    try:
        code = compile(text, path, "exec", dont_inherit=True, optimize=0)
        # PEP 552: valid as long as the source hashes to this, whatever its time.
        header = importlib.util.MAGIC_NUMBER + (3).to_bytes(4, "little") + importlib.util.source_hash(text)
        compiled = header + marshal.dumps(code)
        place = importlib.util.cache_from_source(path, optimization="").encode("utf-8", "surrogateescape")
    except Exception:
        # What cannot be compiled is left as it is, as pip does.
        place = compiled = b""
    for part in (place, compiled):
        sink.write(b"%d\n" % len(part))
        sink.write(part)
sink.flush()
