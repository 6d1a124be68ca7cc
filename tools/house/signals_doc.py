"""Write the tables of docs/signals.md from the table of signals: `python -m tools.house.signals_doc`."""

from __future__ import annotations

from pathlib import Path

from driver_monitor.signals.describe import with_tables

PAGE = Path(__file__).parents[2] / "docs" / "signals.md"


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(with_tables(PAGE.read_text()))


if __name__ == "__main__":
    main()
