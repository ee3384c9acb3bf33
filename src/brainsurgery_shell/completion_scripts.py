"""``brainsurgery completion``: scripts for shells, made from the tables of options and subcommands.

What is typed most needs no process: only names of sessions are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from brainsurgery_shell.errors import UsageError, did_you_mean
from brainsurgery_shell.usage import ALONE, COMMANDS, OPTIONS, SESSION_VERBS, SHELLS, Command, Option

_SESSIONS = "brainsurgery sessions --names 2>/dev/null"


def show_script(arguments: list[str]) -> int:
    """Print the script for a shell; the return value is the exit status.

    Raises:
        UsageError: it is for none that we know.
    """
    if len(arguments) != 1 or arguments[0] not in SHELLS:
        near = did_you_mean(arguments[0], SHELLS) if arguments else None
        raise UsageError("completion takes a shell", hint=near or f"one of {', '.join(SHELLS)}")
    print({"bash": bash, "zsh": zsh, "fish": fish}[arguments[0]](), end="")
    return 0


def bash() -> str:
    """For bash from 3.2 on; source it."""
    values = "".join(
        f"        {'|'.join(option.names)}) {_bash_value(option)}; return ;;\n" for option in _with_value()
    )
    commands = "".join(f"        {command.name}) {_bash_words(command)}; return ;;\n" for command in COMMANDS)
    return f"""\
# brainsurgery in bash: eval "$(brainsurgery completion bash)"
_brainsurgery_add() {{
    local word
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <("$@" -- "$cur")
}}
_brainsurgery_words() {{ _brainsurgery_add compgen -W "$*"; }}
_brainsurgery_sessions() {{ _brainsurgery_words $({_SESSIONS}); }}
_brainsurgery_files() {{ _brainsurgery_add compgen -f; }}
_brainsurgery_folders() {{ _brainsurgery_add compgen -d; }}
_brainsurgery_or_files() {{
    if [[ $cur == -* ]]; then _brainsurgery_words "$@"; else _brainsurgery_files; fi
}}
_brainsurgery() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} aliased=
    local options={_quoted(_flags(OPTIONS))}
    COMPREPLY=()
    [[ $before == :* || $cur == :* ]] && aliased=yes
    [[ $before == = ]] && before=${{COMP_WORDS[COMP_CWORD-2]}}
    [[ $cur == = || $cur == : || $cur == :: ]] && cur=
    case $before in
{values}    esac
    [[ $COMP_CWORD -gt 1 ]] && case ${{COMP_WORDS[1]}} in
{commands}    esac
    [[ $COMP_CWORD -eq 1 && $cur != -* ]] && _brainsurgery_words {_names(COMMANDS)}
    _brainsurgery_or_files $options {_flags(ALONE)}
}}
complete -o filenames -F _brainsurgery brainsurgery
"""


def _bash_value(option: Option) -> str:
    if option.choices:
        return f"_brainsurgery_words {' '.join(option.choices)}"
    return {"DIR": "_brainsurgery_folders", "FILE": "_brainsurgery_files"}.get(option.value, ":")


def _bash_words(command: Command) -> str:
    flags = f"{_flags(command.options)} {'$options' if command.takes_options else ''}".strip()
    if command.name == "sessions":
        verbs = "|".join(f"{verb},*" for verb in SESSION_VERBS)
        return (
            "case ${COMP_WORDS[2]},$COMP_CWORD in "
            f"*,2) _brainsurgery_words {_all(SESSION_VERBS)} {flags} ;; "
            f"export,4) _brainsurgery_files ;; {verbs}) _brainsurgery_sessions ;; esac"
        )
    if command.words == "sessions":
        otherwise = f"_brainsurgery_or_files {flags}"
        return f"if [[ $cur == -* || $aliased ]]; then {otherwise}; else _brainsurgery_sessions; fi"
    if command.words == "files":
        return f"_brainsurgery_or_files {flags}"
    return f"_brainsurgery_words {command.words.replace('|', ' ')} {flags}".rstrip()


def zsh() -> str:
    """For zsh; as ``_brainsurgery`` in a folder of ``$fpath``, or sourced behind ``compinit``."""
    values = "".join(
        f"    {'|'.join(option.names)}) {_zsh_value(option)}; return ;;\n" for option in _with_value()
    )
    commands = "".join(f"    {each.name}) {_zsh_words(each)}; return ;;\n" for each in COMMANDS)
    described = " ".join(_quoted(f"{each.name}:{each.about}") for each in COMMANDS)
    return f"""\
#compdef brainsurgery
# brainsurgery in zsh: as a file _brainsurgery in a folder of $fpath, or sourced behind compinit
_brainsurgery_options() {{ local -a all=("$@"); _describe -o option all }}
_brainsurgery_sessions() {{ local -a all=(${{(f)"$({_SESSIONS})"}}); compadd -V sessions -a all }}
_brainsurgery_files() {{ compset -P '*::'; _files }}
_brainsurgery() {{
  local -a options=({_zsh_options(OPTIONS)})
  case ${{words[CURRENT-1]}} in
{values}  esac
  (( CURRENT > 2 )) && case ${{words[2]}} in
{commands}  esac
  if [[ ${{words[CURRENT]}} == -* ]]; then
    _brainsurgery_options "${{options[@]}}" {_zsh_options(ALONE)}
    return
  fi
  local -a commands=({described})
  (( CURRENT == 2 )) && _describe command commands
  _brainsurgery_files
}}
if [[ ${{funcstack[1]}} == _brainsurgery ]]; then
  _brainsurgery "$@"
else
  compdef _brainsurgery brainsurgery
fi
"""


def _zsh_value(option: Option) -> str:
    if option.choices:
        return f"compadd {' '.join(option.choices)}"
    return {"DIR": "_files -/", "FILE": "_files"}.get(option.value, "_message " + _quoted(option.about))


def _zsh_words(command: Command) -> str:
    shared = '"${options[@]}"' if command.takes_options else ""
    options = f"{_zsh_options(command.options)} {shared}".strip()
    if command.name == "sessions":
        words = (
            f"case ${{words[3]}},$CURRENT in *,3) compadd {_all(SESSION_VERBS)} ;; export,5) _files ;; "
            f"({'|'.join(SESSION_VERBS)}),*) _brainsurgery_sessions ;; esac"
        )
    elif command.words == "sessions":
        words = "[[ ${words[CURRENT]} == *::* ]] && _brainsurgery_files || _brainsurgery_sessions"
    elif command.words == "files":
        words = "_brainsurgery_files"
    else:
        words = f"compadd -- {command.words.replace('|', ' ')}".rstrip()
    if not options:
        return words
    return f"[[ ${{words[CURRENT]}} == -* ]] && {{ _brainsurgery_options {options}; return }}; {words}"


def fish() -> str:
    """For fish; as ``brainsurgery.fish`` in its folder of completions."""
    lines = [
        "# brainsurgery in fish: brainsurgery completion fish > ~/.config/fish/completions/brainsurgery.fish",
    ]
    own = " ".join(each.name for each in COMMANDS if not each.takes_options)
    lines += [_fish_option(each, f"not __fish_seen_subcommand_from {own}") for each in (*OPTIONS, *ALONE)]
    for command in COMMANDS:
        seen = f"__fish_seen_subcommand_from {command.name}"
        lines.append(
            f"complete -c brainsurgery -n __fish_use_subcommand -a {command.name} -d {_quoted(command.about)}"
        )
        lines += [_fish_option(each, seen) for each in command.options]
        if command.words == "sessions":
            lines.append(f"complete -c brainsurgery -n '{seen}' -k -a '({_SESSIONS})'")
        elif command.words and command.words != "files":
            at_first = f"{seen}; and not __fish_seen_subcommand_from {command.words.replace('|', ' ')}"
            words = command.words.replace("|", " ")
            lines.append(f"complete -c brainsurgery -f -n '{at_first}' -a '{words}'")
    named = f"__fish_seen_subcommand_from sessions; and __fish_seen_subcommand_from {_all(SESSION_VERBS)}"
    lines.append(f"complete -c brainsurgery -n '{named}' -k -a '({_SESSIONS})'")
    return "\n".join(lines) + "\n"


def _fish_option(option: Option, condition: str) -> str:
    names = " ".join(f"-l {each[2:]}" if each.startswith("--") else f"-s {each[1:]}" for each in option.names)
    value = ""
    if option.choices:
        value = f" -x -a '{' '.join(option.choices)}'"
    elif option.value:
        value = {"DIR": " -x -a '(__fish_complete_directories)'", "FILE": " -r"}.get(option.value, " -x")
    return f"complete -c brainsurgery -n '{condition}' {names}{value} -d {_quoted(option.about)}"


def _with_value() -> Iterator[Option]:
    """Every option that is followed by a value, those of subcommands too."""
    for options in (OPTIONS, *(command.options for command in COMMANDS)):
        yield from (option for option in options if option.value)


def _flags(options: Iterable[Option]) -> str:
    return " ".join(name for option in options for name in option.names)


def _zsh_options(options: Iterable[Option]) -> str:
    return " ".join(_quoted(f"{name}:{option.about}") for option in options for name in option.names)


def _names(commands: Iterable[Command]) -> str:
    return " ".join(command.name for command in commands)


def _all(words: Iterable[str]) -> str:
    return " ".join(words)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
