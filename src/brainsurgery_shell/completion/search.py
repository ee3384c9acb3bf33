"""The second try: names that hold what was typed somewhere. Bounded in time and in what it returns."""

from __future__ import annotations

from collections.abc import Sequence

MOST_FOUND = 50


class _Joined:
    """All names of one list in one text, where a search is one call of ``str.find``."""

    def __init__(self) -> None:
        self.names: Sequence[str] = ()
        self.text = ""

    def of(self, names: Sequence[str]) -> str:
        """The names, a line each. Lists are never changed: identity says whether this is the last one."""
        if names is not self.names:
            self.names, self.text = names, "\n" + "\n".join(names) + "\n"
        return self.text


_joined = _Joined()


def holding(names: Sequence[str], prefix: str, needle: str) -> list[str]:
    """Names that begin with ``prefix`` and hold ``needle`` behind it: the first ones."""
    if not needle or "\n" in needle:
        return []
    text = _joined.of(names)
    start = text.find("\n" + prefix)
    found: list[str] = []
    while start >= 0 and len(found) < MOST_FOUND:
        at = text.find(needle, start + 1)
        if at < 0:
            break
        line, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
        name = text[line:end]
        if not name.startswith(prefix):
            if name > prefix:  # sorted: what begins with the prefix lies behind us
                break
        elif needle in name[len(prefix) :]:
            found.append(name)
        start = end
    return found
