r"""Making the regex of one segment part of a regex over whole names.

``~\d+`` means: a segment that ``\d+`` matches whole. In a larger regex ``.`` or ``[^x]`` could run over the
dot that ends the segment, so those are narrowed. What cannot be narrowed easily (look-around, anchors, back
references, flags) is not embedded; such patterns are matched segment by segment.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<same> \(\?: | [)*+?|{},] | \\[dws] | \\[^A-Za-z0-9.] | [^\\\[\](){}.*+?|^$] )
      | (?P<group> \((?!\?) )
      | (?P<any> \. )
      | (?P<wide> \\[DWS] | \[ (?!\^?\]) \^? (?: \\[dwsDWS] | \\[^A-Za-z0-9] | [^\]\\\[] )+ \] )""",
    re.VERBOSE,
)


def embedded(pattern: re.Pattern[str], *, keep_groups: bool) -> str | None:
    """A regex that matches the same segments and never a dot; ``None`` if none is easily made."""
    if pattern.flags != re.UNICODE:
        return None
    text, at = pattern.pattern, 0
    parts: list[str] = []
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        at = found.end()
        if found["same"]:
            parts.append(found[0])
        elif found["group"]:
            parts.append("(" if keep_groups else "(?:")
        else:
            parts.append(r"[^.\n]" if found["any"] else rf"(?:(?!\.){found[0]})")
    return "".join(parts)
