"""The options of batches: which clips, and which share of them."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, Optional

import typer

from driver_monitor.cli.options import OptionalPath, OptionalTexts

MOST_SHARDS = 10_000
"""A larger number of machines is a mistake (ours)."""


class ShardNumbers(NamedTuple):
    """The two numbers of `--shard`, such as 3/10."""

    number: int
    of: int


def _shard(text: str) -> ShardNumbers:
    found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text)
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= count <= MOST_SHARDS:
        raise typer.BadParameter(f"expected NUMBER/COUNT, such as 3/10 for the third of ten machines, found '{text}'")
    return ShardNumbers(number, count)


LIST_HELP = "Text file with one clip a line, relative to the file; - reads standard input."
ListOption = Annotated[OptionalPath, typer.Option("--list", help=LIST_HELP)]
WHERE_HELP = (
    "Only clips with label=TYPE or person=NAME (of --labels), or rule=NAME raised in --out; all given ones hold."
)
WhereOption = Annotated[OptionalTexts, typer.Option("--where", metavar="KEY=VALUE", help=WHERE_HELP)]
# typer evaluates annotations, and on Python 3.10 it needs Optional.
ShardOption = Annotated[
    Optional[ShardNumbers],  # noqa: UP045
    typer.Option(parser=_shard, metavar="NUMBER/COUNT", help="Only this share of the clips, such as 3/10."),
]
