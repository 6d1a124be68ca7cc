"""The completion of verbs and options for bash, from the verbs of the command line. Pure.

The words stand in the script itself: to ask the program at each press of the key takes seconds on a small board.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.package.verbs import Verb

SCRIPT = """\
# bash completion for driver-monitor. Made by tools.package; after a verb it offers its options and the files.
_driver_monitor() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} path="" word offers
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $word == -* ]] && break
        [[ -n $path && " {groups} " != *" $path "* ]] && break
        path="${{path:+$path }}$word"
    done
    case $path in
{cases}
        *) offers="--help" ;;
    esac
    COMPREPLY=($(compgen -W "$offers" -- "$current"))
}}
complete -o default -F _driver_monitor driver-monitor
"""


def completion(verbs: Sequence[Verb]) -> str:
    """Return the script."""
    offers: dict[str, list[str]] = {"": ["--help", "--version"]}
    groups = set[str]()
    for verb in verbs:
        for number, word in enumerate(verb.words):
            before = " ".join(verb.words[:number])
            known = offers.setdefault(before, ["--help"])
            if word not in known:
                known.append(word)
            if number:
                groups.add(before)
        offers[" ".join(verb.words)] = ["--help", *(name for option in verb.options for name in option.names)]
    cases = "\n".join(f'        "{path}") offers="{" ".join(words)}" ;;' for path, words in offers.items())
    return SCRIPT.format(groups=" ".join(sorted(groups)), cases=cases)
