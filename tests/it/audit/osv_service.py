"""An OSV service for comparisons: answers /v1/query from a folder of records.

It matches by the rule of the OSV schema, with `packaging` for the order of versions: another reader and another
evaluation than the product's. Run as: python osv_service.py FOLDER. The first line that it prints is its port.
"""

import http.server
import json
import pathlib
import sys

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

RECORDS = {}


def load(folder):
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix in (".yaml", ".yml"):
            record = yaml.load(path.read_text(), Loader=yaml.CBaseLoader)
        elif path.suffix == ".json":
            record = json.loads(path.read_text())
        else:
            continue
        for affected in record.get("affected", []):
            if affected["package"]["ecosystem"] == "PyPI":
                RECORDS.setdefault(canonicalize_name(affected["package"]["name"]), {})[record["id"]] = record


def listed(text, version):
    try:
        return Version(text) == version
    except InvalidVersion:
        return False


def before(bound, version, strict):
    """Whether a version comes before a bound ("0" comes before all)."""
    if bound == "0":
        return False
    return version <= Version(bound) if strict else version < Version(bound)


def in_range(events, version):
    def order(event):
        bound = next(iter(event.values()))
        return (0, Version("0")) if bound == "0" and "introduced" in event else (1, Version(bound))

    affected = False
    for event in sorted((event for event in events if "limit" not in event), key=order):
        if "introduced" in event and not before(event["introduced"], version, False):
            affected = True
        if "fixed" in event and not before(event["fixed"], version, False):
            affected = False
        if "last_affected" in event and not before(event["last_affected"], version, True):
            affected = False
    limits = [event["limit"] for event in events if "limit" in event]
    return affected and (not limits or any(limit == "*" or version < Version(limit) for limit in limits))


def affects(record, name, version):
    for affected in record["affected"]:
        package = affected["package"]
        if package["ecosystem"] != "PyPI" or canonicalize_name(package["name"]) != name:
            continue
        if any(listed(text, version) for text in affected.get("versions", [])):
            return True
        for one in affected.get("ranges", []):
            if one["type"] == "ECOSYSTEM" and in_range(one["events"], version):
                return True
    return False


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, version = canonicalize_name(query["package"]["name"]), Version(query["version"])
        found = [record for record in RECORDS.get(name, {}).values() if affects(record, name, version)]
        body = json.dumps({"vulns": found} if found else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


load(sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
print(server.server_port, flush=True)
server.serve_forever()
