"""What the wheels bring that the daemon never loads, and the modes of the files. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase

LEFT_OUT = {
    "bin/*": "commands that begin with the path of this machine's Python",
    "share/*": "their manual pages",
    "*.pth": "start files of packages that are left out",
    "*.dist-info/RECORD": "it lists what is left out as well",
    "*.dist-info/REQUESTED": "says how pip was called on this machine",
    "*.dist-info/INSTALLER": "says how pip was called on this machine",
    "*.dist-info/direct_url.json": "names a folder of this machine",
    "*/__pycache__/*": "bytecode of another machine; the installation makes its own",
    "*/tests/*": "tests of the libraries",
    "*.exe": "programs for Windows",
    "setuptools*/*": "colorzero names it and never loads it",
    "_distutils_hack/*": "belongs to setuptools",
    "onnxruntime/tools/*": "convert models",
    "onnxruntime/transformers/*": "convert models",
    "onnxruntime/quantization/*": "convert models",
    "sympy*/*": "only these converters of onnxruntime load it",
    "isympy.py": "belongs to sympy",
    "mpmath*/*": "belongs to sympy",
    "coloredlogs*/*": "only these converters of onnxruntime load it",
    "humanfriendly*/*": "belongs to coloredlogs",
    "numpy/f2py/*": "compiles Fortran",
}
"""Patterns of paths in the folder of the wheels, and why the package does not have them."""


def is_left_out(path: str) -> bool:
    """Return whether the package does without the file at `path`, relative to the folder of the wheels."""
    return any(fnmatchcase(path, pattern) for pattern in LEFT_OUT)


def mode(path: str, commands: frozenset[str]) -> int:
    """Return the mode of a file of the package: only `commands`, paths from the root, may be executed."""
    return 0o755 if path in commands else 0o644
