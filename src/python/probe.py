import os, site, sys


def needed():
    """sysconfig (3.12 and newer) takes one name of `threading`, whose own imports take as long as all of this."""
    if "threading" not in sys.modules:
        try:
            import _thread
            only = type(sys)("threading")
            only.RLock = _thread.RLock
            sys.modules["threading"] = only
            import sysconfig
            return sysconfig
        except Exception:
            sys.modules.pop("sysconfig", None)
        finally:
            sys.modules.pop("threading", None)
    import sysconfig
    return sysconfig


sysconfig = needed()
KEYS = ("purelib", "platlib", "scripts", "include", "data", "stdlib")
names = sysconfig.get_scheme_names()
venv_scheme = "venv" if "venv" in names else "posix_prefix" if os.name == "posix" else "nt"


def paths(scheme, prefix):
    variables = {}
    if prefix is not None:
        variables = {"base": prefix, "platbase": prefix}
        # The stdlib stays where the base installation has it.
        variables["installed_base"] = sys.base_prefix
        variables["installed_platbase"] = sys.base_exec_prefix
        found = sysconfig.get_paths(scheme, vars=variables)
    else:
        found = sysconfig.get_paths(scheme)
    return {key: found[key] for key in KEYS}


def preferred():
    if hasattr(sysconfig, "get_preferred_scheme"):
        return sysconfig.get_preferred_scheme("prefix")
    return sysconfig._get_default_scheme()


def number(info):
    text = "%d.%d.%d" % tuple(info[:3])
    if info[3] != "final":
        text += info[3][0] + str(info[4])
    return text


def system():
    """What `platform` says of the system; where that is no more than `uname`, without its many imports."""
    if sys.platform in ("linux", "darwin"):
        found = os.uname()
        found = (found.sysname, found.release, found.version, found.machine)
        # `platform` has nothing where the system says this.
        return ["" if part == "unknown" else part for part in found]
    import platform
    return [platform.system(), platform.release(), platform.version(), platform.machine()]


def python():
    """The name of the implementation, and the version with what a build adds to it: 3.13.0+."""
    names = {"cpython": "CPython", "pypy": "PyPy"}
    text = sys.version.split()[0]
    if sys.implementation.name in names and text.startswith("%d.%d." % sys.version_info[:2]):
        return names[sys.implementation.name], text
    import platform
    return platform.python_implementation(), platform.python_version()


def written(value):
    """JSON of texts, numbers, truths, lists and tables: the module of that name takes as long to import as all of this."""
    if isinstance(value, str):
        return '"%s"' % "".join(map(character, value))
    if isinstance(value, dict):
        return "{%s}" % ",".join("%s:%s" % (written(key), written(part)) for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join(map(written, value))
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    return "%d" % value


def character(one):
    if " " <= one <= "~" and one not in '"\\':
        return one
    number = ord(one)
    if number < 0x10000:
        return "\\u%04x" % number
    number -= 0x10000
    return "\\u%04x\\u%04x" % (0xD800 + (number >> 10), 0xDC00 + (number & 0x3FF))


# With -S nobody has looked for pyvenv.cfg (before 3.14), so sys.prefix may be that of the base installation.
executable = os.path.abspath(sys.executable)
beside = os.path.dirname(os.path.dirname(executable))
prefix = beside if os.path.isfile(os.path.join(beside, "pyvenv.cfg")) else None

libc = None
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION")
except (AttributeError, OSError, ValueError):
    pass

debug = sysconfig.get_config_var("Py_DEBUG")
if debug is None:
    debug = hasattr(sys, "gettotalrefcount")

platform_system, release, version, machine = system()
implementation, python_version = python()

answer = {
    "executable": executable,
    "implementation": sys.implementation.name,
    "version": list(sys.version_info[:2]),
    "version_text": number(sys.version_info),
    "prefix": prefix or sys.prefix,
    "base_prefix": sys.base_prefix,
    "abiflags": getattr(sys, "abiflags", ""),
    "markers": {
        "implementation_name": sys.implementation.name,
        "implementation_version": number(sys.implementation.version),
        "os_name": os.name,
        "platform_machine": machine,
        "platform_python_implementation": implementation,
        "platform_release": release,
        "platform_system": platform_system,
        "platform_version": version,
        "python_full_version": python_version,
        "python_version": ".".join(python_version.split(".")[:2]),
        "sys_platform": sys.platform,
    },
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "debug": bool(debug),
    "pointer_bits": 64 if sys.maxsize > 2**32 else 32,
    "platform": sysconfig.get_platform(),
    "libc": libc,
    "paths": paths(venv_scheme, prefix) if prefix else paths(preferred(), None),
    "base_sites": site.getsitepackages([sys.base_prefix, sys.base_exec_prefix]),
    "venv_paths": paths(venv_scheme, "/pipward"),
}
sys.stdout.write(written(answer))
sys.stdout.flush()
# Without taking apart what ends with the process.
os._exit(0)
