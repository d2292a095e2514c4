"""`python -m xdbr`: versions, backends, their devices and memory, and why a backend is not available."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import sys
from typing import Any

from . import __version__, backends
from ._config import get_default_dtype
from ._errors import XdbrError


def report() -> dict[str, Any]:
    """Collect versions, defaults, and for each backend its devices or the reason why it is not available."""
    found: dict[str, Any] = {
        "xdbr": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "array-api-compat": importlib.metadata.version("array-api-compat"),
        "default dtype": get_default_dtype(),
    }
    try:
        found["default device"] = str(backends.get_default_device())
    except XdbrError as error:  # a wrong XDBR_DEVICE is one of the things that one looks here for
        found["default device"] = f"none: {error}"
    found["backends"] = {}
    for name, reason in backends.available().items():
        if reason is not None:
            found["backends"][name] = {"reason": reason}
            continue
        backend = backends.get(name)
        devices = {str(device): backend.memory(device) for device in backend.devices()}
        found["backends"][name] = {"version": backend.version(), "devices": devices}
    return found


def text(found: dict[str, Any]) -> str:
    """Lay the report out for reading."""
    lines = [
        f"xdbr {found['xdbr']}, Python {found['python']}, array-api-compat {found['array-api-compat']}",
        found["platform"],
        f"default device {found['default device']}",
        f"default dtype {found['default dtype']}",
        "",
    ]
    width = max(map(len, found["backends"]))
    for name, backend in found["backends"].items():
        head = f"{name:{width}}  "
        if "reason" in backend:
            lines.append(f"{head}not available: {backend['reason']}")
            continue
        lines.append(f"{head}{backend['version']}")
        lines += [f"{' ' * width}    {device}{_memory(memory)}" for device, memory in backend["devices"].items()]
    return "\n".join(lines)


def _memory(memory: dict[str, int]) -> str:
    if not {"used", "total"} <= memory.keys():
        return ""
    return f"  {memory['used'] / 2**30:.1f} of {memory['total'] / 2**30:.1f} GiB in use"


def main(arguments: list[str] | None = None) -> int:
    """Print the report; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m xdbr", description="What xdbr finds on this machine.")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument("--version", action="version", version=f"xdbr {__version__}")
    options = parser.parse_args(arguments)
    found = report()
    print(json.dumps(found, indent=2) if options.json else text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
