"""The verbs of the command line with their options, as the manual page and the completion need them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `names`: such as --config and -c. `value`: the word for its value; None: it takes none."""

    names: tuple[str, ...]
    value: str | None
    meaning: str


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. `words`: such as ("config", "check"). `arguments`: words for what follows, such as CLIPS..."""

    words: tuple[str, ...]
    meaning: str
    arguments: tuple[str, ...]
    options: tuple[Option, ...]


def verbs(command: Any, words: tuple[str, ...] = ()) -> Iterator[Verb]:
    """Yield each visible verb of a command of typer that does something, in the order of the help."""
    for name, below in getattr(command, "commands", {}).items():
        if below.hidden:
            continue
        path = (*words, name)
        if getattr(below, "commands", None):
            yield from verbs(below, path)
        else:
            yield Verb(path, _plain(below.help), _arguments(below.params), options(below.params))


def options(parameters: list[Any]) -> tuple[Option, ...]:
    """Return the visible options among the parameters of a command of typer."""
    return tuple(
        Option(tuple(each.opts), _value(each), _plain(each.help))
        for each in parameters
        if each.param_type_name == "option" and not each.hidden
    )


def _value(option: Any) -> str | None:
    """Return the word for the value of an option, None if it takes none."""
    if option.is_flag or getattr(option, "count", False):
        return None
    return str(option.metavar or option.name.upper()).strip("<>")


def _arguments(parameters: list[Any]) -> tuple[str, ...]:
    """Return the words for the arguments: CLIPS... for several, [FILE] for one that may be left out."""
    words = []
    for each in parameters:
        if each.param_type_name == "argument" and not each.hidden:
            word = each.name.upper() + ("..." if each.nargs == -1 else "")
            words.append(word if each.required else f"[{word}]")
    return tuple(words)


def _plain(text: str | None) -> str:
    """Return a help text in one line."""
    return " ".join((text or "").split())
