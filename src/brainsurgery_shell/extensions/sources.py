"""Where operations of users come from: folders that are named, the user's own, installed packages."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from brainsurgery_shell.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "brainsurgery.ops"
"""The group of entry points by which installed packages name their modules."""


class UserCode(ABC):
    """One file or module that declares operations when it is executed."""

    @property
    @abstractmethod
    def shown(self) -> str:
        """How messages and help name it."""

    @abstractmethod
    def execute(self) -> None:
        """Run it. Raises whatever it raises."""

    @abstractmethod
    def owns_module(self, name: str) -> bool:
        """Whether ``sys.modules[name]`` is part of it."""

    @abstractmethod
    def owns_frame(self, code: CodeType, module: str) -> bool:
        """Whether a frame that runs ``code`` in ``module`` is in it."""


@dataclass(frozen=True, slots=True)
class UserFile(UserCode):
    """A ``.py`` file in a folder of operations."""

    path: Path

    @property
    def shown(self) -> str:
        """Its path."""
        return str(self.path)

    def execute(self) -> None:
        """Compile and run it as a module of its own; nothing is written beside it."""
        code = compile(self.path.read_bytes(), self.shown, "exec", dont_inherit=True)
        name = self._module
        module = sys.modules[name] = ModuleType(name)  # dataclasses look their module up
        module.__file__ = self.shown
        exec(code, module.__dict__)

    @property
    def _module(self) -> str:
        return f"brainsurgery.ops:{self.shown}"

    def owns_module(self, name: str) -> bool:
        """The one that it is run as."""
        return name == self._module

    def owns_frame(self, code: CodeType, module: str) -> bool:
        """Those of its text."""
        return code.co_filename == self.shown


@dataclass(frozen=True, slots=True)
class InstalledModule(UserCode):
    """A module that an installed package names as an entry point."""

    entry_point: EntryPoint

    @property
    def shown(self) -> str:
        """The module, the package and its version."""
        distribution = self.entry_point.dist
        package = f" ({distribution.name} {distribution.version})" if distribution is not None else ""
        return f"{self.entry_point.value}{package}"

    def execute(self) -> None:
        """Import it."""
        self.entry_point.load()

    def owns_module(self, name: str) -> bool:
        """Those of its top package: an operation may lean on the rest of it."""
        return name.partition(".")[0] == self.entry_point.module.partition(".")[0]

    def owns_frame(self, code: CodeType, module: str) -> bool:
        """Those of its top package."""
        return self.owns_module(module)


def find_user_code(folders: Sequence[Path]) -> list[UserCode]:
    """All that there is: first in ``folders``, then in the user's configuration, then what is installed.

    Files are taken by name; those that begin with ``_`` or a dot are left alone.

    Raises:
        UsageError: one of ``folders`` cannot be read.
    """
    found: dict[Path, UserCode] = {}
    for folder in folders:
        try:
            paths = _files(folder)
        except OSError as error:
            raise UsageError(
                f"--ops-dir: cannot read the folder '{folder}': {error.strerror or error}",
                hint="name the folder that holds the operation files",
            ) from error
        found.update({path: UserFile(path) for path in paths})
    own = own_folder()
    if own.is_dir():
        found.update({path: UserFile(path) for path in _files(own)})
    return [*found.values(), *_installed()]


def own_folder() -> Path:
    """The user's own folder of operations, which need not be there."""
    from platformdirs import user_config_path

    return user_config_path("brainsurgery") / "ops"


def _files(folder: Path) -> list[Path]:
    """Real paths: a folder that is named twice counts once."""
    real = Path(os.path.realpath(folder))
    paths = sorted(path for path in real.iterdir() if path.suffix == ".py" and not path.is_dir())
    return [path for path in paths if not path.name.startswith(("_", "."))]


def _installed() -> Iterator[InstalledModule]:
    # Importing importlib.metadata costs 20 ms of the time to the prompt, and hardly anyone needs it.
    if any(_mentioned_in(folder) for folder in dict.fromkeys(sys.path)):
        from importlib.metadata import entry_points

        modules = {each.module: each for each in reversed(entry_points(group=GROUP))}
        yield from (InstalledModule(modules[name]) for name in sorted(modules))


def _mentioned_in(folder: str) -> bool:
    """Whether a package that is installed in ``folder`` may have entry points of our group."""
    try:
        names = [each.name for each in os.scandir(folder or ".")]
    except OSError:  # not there, or a zip file
        return False
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            with suppress(OSError):
                if GROUP.encode() in Path(folder, name, "entry_points.txt").read_bytes():
                    return True
    return False
