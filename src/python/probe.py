import json, os, platform, site, sys, sysconfig

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
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
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
sys.stdout.write(json.dumps(answer))
