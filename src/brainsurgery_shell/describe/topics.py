"""What help explains beside operations: texts, each with lines that can be tried."""

from __future__ import annotations

from dataclasses import dataclass

from brainsurgery_shell.describe.keys import KEYS
from brainsurgery_shell.describe.rows import rows
from brainsurgery_shell.views.page import Page


@dataclass(frozen=True, slots=True)
class Topic:
    """A text, then a table of two columns, then examples."""

    summary: str
    text: tuple[str, ...] = ()
    """Paragraphs."""
    table: tuple[tuple[str, str], ...] = ()
    examples: tuple[str, ...] = ()
    """Lines that can be typed as they stand."""


TOPICS: dict[str, Topic] = {
    "lines": Topic(
        "how a command is written, and where its result goes",
        (
            "A line is a name, or a name, a colon, a blank and its parameters: pairs of key and value "
            "between commas, or one bare value, which goes to the first parameter.",
            'A backslash in double quotes stays, unless it stands before \\ " n r or t: patterns need no '
            "doubling. A comment begins with # behind a blank.",
        ),
        (
            ("'text'", "as it stands; '' is one quote"),
            ('"text"', "with escapes"),
            ("[a, b]", "a list"),
            ("{ k: v }", "a map"),
            ("LINE > FILE", "writes what the line prints into a file; >> adds to its end"),
            ("LINE | PROGRAM", "hands it to a program"),
            ("!PROGRAM", "runs a program"),
        ),
        ("delete: 'h\\.1\\..*'", 'scale_: target: "h\\.0\\..*", by: 0.5', "undo", "undo: 2"),
    ),
    "references": Topic(
        "which tensors: patterns, captures, aliases",
        (
            "A reference is alias::pattern::[slice]; alias and slice may be left out. The pattern is a "
            "regular expression that must match the whole name, or a list that matches its segments.",
            "What is written to is a template: it says what each matched name becomes. Both sides are "
            "strings, or both lists.",
        ),
        (
            ("'h\\.(\\d+)\\.w'", "a regular expression; brackets capture, \\1 in the template gives it back"),
            ("base::wte", "of the checkpoint opened as base"),
            ("[h, 0, w]", "one name, by its segments"),
            ("$i", "in a list: any one segment, captured"),
            ("*xs", "in a list: any number of segments, captured"),
            ("~RE, ~x::RE", "in a list: one segment that a regular expression matches, captured as x"),
            ("${i+1}", "in a list's template: a captured number, one higher"),
        ),
        (
            "copy: from: 'h\\.0\\.(.*)', to: 'h.12.\\1'",
            "move: from: [h, $i, '*rest'], to: [h, '${i+1}', '*rest']",
            "delete: target: '.*', except: 'h\\..*'",
        ),
    ),
    "slices": Topic(
        "parts of tensors",
        (
            "A slice stands behind the pattern, or behind the last segment of a list: Python's indexing of "
            "every matched tensor. As what is written to, it is the region of an existing tensor.",
            "Ends beyond the tensor are clipped; an index beyond it, a negative step and a slice that "
            "selects nothing are errors.",
        ),
        (
            ("::[0]", "one row: the dim goes"),
            ("::[:8, -4:]", "the first 8 rows, the last 4 columns"),
            ("::[..., ::2]", "every other column"),
        ),
        ("copy: from: 'wte::[:2]', to: rows", "scale_: target: 'wte::[..., 0]', by: 2"),
    ),
    "where": Topic(
        "only some of what a pattern matches",
        (
            "Every operation that matches by pattern takes where, a map of conditions that must all hold, "
            "except, a reference whose matches are left out, and expect, how many tensors must be left.",
        ),
        (
            ("dtype", "as in float32"),
            ("rank", "how many dims: 2 for a matrix"),
            ("min_size, max_size", "bytes of the tensor, as in 1MB"),
        ),
        (
            "cast_: target: '.*', to: bfloat16, where: { dtype: float32, rank: 2 }",
            "delete: target: '.*', where: { min_size: 1KB }, except: wte",
        ),
    ),
    "expressions": Topic(
        "what assert can check, and how checks combine",
        (
            "An assertion holds one expression: a name and what it takes. Where a reference stands alone, "
            "{ of: reference } does too. What a reference matches must all satisfy the check; one that "
            "matches nothing is an error, but in exists and count.",
            "all, any and not hold other expressions. help: assert: NAME explains one.",
        ),
        (),
        (
            "assert: exists: wte",
            "assert: shape: { of: wte, is: [50257, 768] }",
            "assert: all: [{ finite: '.*' }, { not: { exists: lora } }]",
        ),
    ),
    "keys": Topic(
        "the shell's keys",
        ("Besides these, the keys are readline's, or vi's with editing_mode = \"vi\" in the configuration.",),
        tuple((key.shown, key.about) for key in KEYS),
    ),
}


def topic_names() -> list[str]:
    """The topics, without operations and expressions."""
    return list(TOPICS)


def topic_lines(topic: Topic, page: Page) -> list[str]:
    """The lines of one topic."""
    lines: list[str] = []
    for paragraph in topic.text:
        lines += [*(each.strip() for each in rows([("", paragraph)], page)), ""]
    if topic.table:
        lines += [*rows(topic.table, page), ""]
    if topic.examples:
        lines += [page.paint("examples", "bold"), *(f"  {example}" for example in topic.examples)]
    return lines if lines[-1] else lines[:-1]
