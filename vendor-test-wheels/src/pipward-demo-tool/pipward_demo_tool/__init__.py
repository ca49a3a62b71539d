"""Runs the tool that comes with it."""

import pathlib
import subprocess


def run():
    tool = pathlib.Path(__file__).parent / "bin" / "tool.sh"
    return subprocess.check_output([str(tool)]).decode().strip()
