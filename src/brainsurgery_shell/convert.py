"""``brainsurgery oly``: a line as OLY in canonical form, YAML or JSON."""

from __future__ import annotations

from brainsurgery_shell.errors import UsageError
from brainsurgery_shell.lang.parser import parse_line
from brainsurgery_shell.lang.printer import print_command
from brainsurgery_shell.lang.yaml_printer import command_to_yaml, to_json

PRINTERS = {"oly": print_command, "yaml": command_to_yaml, "json": to_json}


def convert_line(arguments: list[str]) -> int:
    """Print one line in another form.

    Raises:
        UsageError, OlySyntaxError: the arguments or the line are wrong.
    """
    target = "oly"
    lines: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            lines += rest
            break
        if word == "--to" and rest:
            target = rest.pop(0)
        elif word.startswith("--to="):
            target = word.removeprefix("--to=")
        else:
            lines.append(word)
    if target not in PRINTERS:
        raise UsageError(f"'{target}' is no form of a line", hint="--to oly, yaml or json")
    if len(lines) != 1:
        raise UsageError("oly takes one line", hint="brainsurgery oly --to yaml 'scale_: target: w, by: 2'")
    command = parse_line(lines[0])
    if command is not None:
        print(PRINTERS[target](command))
    return 0
