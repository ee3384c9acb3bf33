"""Services that do nothing: what a step would ask of a session is said, not done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from brainsurgery_shell.declaration.context import SaveRequest
from brainsurgery_shell.lang.sizes import size_words
from brainsurgery_shell.session.changes import nbytes_of, tensor_words
from brainsurgery_shell.session.paths import absolute

if TYPE_CHECKING:
    from brainsurgery_shell.session.session import Session


class Unseen(Exception):
    """What the step would do next cannot be known without doing it."""

    def __init__(self, says: str = "", *, reads: bool = False, changes: bool = True) -> None:
        super().__init__(says)
        self.says = says
        """What is known of it."""
        self.reads = reads
        """Whether it would read data."""
        self.changes = changes
        """Whether names may be others after it."""


class Onlooker:
    """Stands in for the services of a session while a step is only looked at."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def evaluator(self) -> NoReturn:
        """Reads data.

        Raises:
            Unseen: always.
        """
        raise Unseen("reads data", reads=True)

    def reading(self, nbytes: int) -> NoReturn:
        """Is about to read data.

        Raises:
            Unseen: always.
        """
        raise Unseen("reads data", reads=True)

    def changed_aliases(self) -> list[str]:
        """As the session knows them."""
        return self._session.services.changed_aliases()

    def only_input(self) -> str | None:
        """As the session knows it."""
        return self._session.services.only_input()

    def open(self, path: str, alias: str, layout: str | None) -> NoReturn:
        """Opens a checkpoint.

        Raises:
            Unseen: always.
        """
        raise Unseen(f"opens {path} as {alias}" if self._is_there(path) else f"there is no '{path}'")

    def save(self, request: SaveRequest) -> NoReturn:
        """Writes a checkpoint.

        Raises:
            Unseen: always.
        """
        count = len(request.tensors)
        nbytes = nbytes_of(request.tensors.values())
        says = f"writes {tensor_words(count)}, {size_words(nbytes)}, to {request.path}"
        if self._is_there(request.path):
            overwrites = request.overwrite or self._session.settings.saves.overwrite
            says += "; replaces what is there" if overwrites else "; something is there already"
        raise Unseen(says, reads=True, changes=False)

    def steps_of(self, path: str) -> NoReturn:
        """Runs a file.

        Raises:
            Unseen: always.
        """
        raise Unseen(f"runs the steps in {path}" if self._is_there(path) else f"there is no '{path}'")

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        """Any other service, which does something else than to change tensors."""

        def unseen(*arguments: object, **options: object) -> NoReturn:
            raise Unseen

        return unseen

    def _is_there(self, path: str) -> bool:
        return absolute(path, self._session.folder).exists()
