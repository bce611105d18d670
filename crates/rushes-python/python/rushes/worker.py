"""A worker process: reads media files for a library, locked down, one after the other.

The library starts this file with the interpreter that it runs in; nobody starts it by hand. It
loads the extension module and nothing else of the package, so that it is ready in milliseconds
and does not need the package to be on the path of a bare interpreter.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader


def main() -> int:
    """Serves until the library that started it is gone; gives the exit code."""
    folder = os.path.dirname(os.path.abspath(__file__))
    for suffix in EXTENSION_SUFFIXES:
        path = os.path.join(folder, "_rushes" + suffix)
        if os.path.exists(path):
            loader = ExtensionFileLoader("_rushes", path)
            spec = spec_from_loader("_rushes", loader)
            assert spec is not None
            module = module_from_spec(spec)
            loader.exec_module(module)
            code: int = module.serve_worker()
            return code
    sys.stderr.write(f"rushes: the extension module is missing in {folder}\n")
    return 8


if __name__ == "__main__":
    # At once: an interpreter that is taken down would ask for what the lockdown refuses.
    os._exit(main())
