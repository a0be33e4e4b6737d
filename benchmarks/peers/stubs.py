"""Empty stand-ins for packages that a peer imports but its training step never uses.

`stub("wandb", "overcomplete.visualization")` makes `import wandb` and `from overcomplete.visualization.x import Y`
succeed; every name found in them is a class that can be subclassed, called and asked for any attribute.
"""

import importlib.abc
import importlib.machinery
import sys
import types
from unittest.mock import MagicMock


class _Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (MagicMock,), {})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, packages):
        self.packages = packages

    def find_spec(self, fullname, path=None, target=None):
        if any(fullname == p or fullname.startswith(p + ".") for p in self.packages):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        return _Module(spec.name)

    def exec_module(self, module):
        pass


def stub(*packages):
    """Let packages be imported, empty."""
    sys.meta_path.insert(0, _Finder(packages))
