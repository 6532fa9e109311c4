"""`python -m docs.options`: write the tables of docs/options.md from the parsers of the commands.

A run's options are dataclass fields that carry their help, default and metavar (`tuner.options`), from which the parsers are made. What is
written by hand around the tables stays.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_tune.cli.entry import COMMANDS, load_command

PAGE = Path(__file__).parent / "options.md"
RUNS = ("search", "train", "study")
"""The commands that make a run. Options of `train` and `study` that a search also has are only named."""
_HEADINGS = {"options": "Besides"}
_BLOCK = re.compile(r"(<!-- table: (?P<command>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HELP = re.compile(r"(?P<text>.*?)(?: \(default: (?P<default>.*)\))?", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One option as the tables show it."""

    names: tuple[str, ...]
    metavar: str | None
    default: str | None
    help: str

    def format(self) -> str:
        """Return the row of a Markdown table."""
        spelled = ", ".join(_code(f"{name} {self.metavar}" if self.metavar else name) for name in self.names)
        return f"| {spelled} | {_format_default(self.default)} | {_escape(self.help)} |"


def commands() -> tuple[str, ...]:
    """Return the commands that have options, the search first."""
    return tuple(name for name in (*RUNS, *(set(COMMANDS) - set(RUNS))) if any(rows for _, rows in groups(name)))


def groups(command: str) -> Iterator[tuple[str, list[Row]]]:
    """Yield the groups of a command's options, each with its heading, as `--help` has them."""
    for group in load_command(command).make_command_parser()._action_groups:
        rows = [_row(action) for action in group._group_actions if action.option_strings and action.dest != "help"]
        if rows:
            yield group.title or "", rows


def format_table(command: str) -> str:
    """Return the tables of a command as Markdown."""
    searched = {row.names: row for _, rows in groups("search") for row in rows}
    lines, same = [], []
    # The headless group, with --version, comes last.
    for title, rows in sorted(groups(command), key=lambda group: group[0] == "options"):
        shown = [row for row in rows if command == "search" or command not in RUNS or searched.get(row.names) != row]
        same += [row for row in rows if row not in shown]
        if shown:
            heading = [f"**{_HEADINGS.get(title, title.capitalize())}**", ""] if command in RUNS else []
            lines += [
                *heading,
                "| option | default | what it is |",
                "|---|---|---|",
                *(row.format() for row in shown),
                "",
            ]
    if same:
        names = ", ".join(_code(row.names[0]) for row in same)
        lines += [f"As in a search: {names}.", ""]
    return "\n".join(lines)


def generate(text: str) -> str:
    """Return the page with its tables written again."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{format_table(block['command'])}\n{block[3]}", text)


def _row(action: argparse.Action) -> Row:
    match = _HELP.fullmatch((action.help or "").replace("%%", "%"))
    metavar = action.metavar if isinstance(action.metavar, str) else None
    return Row(
        tuple(action.option_strings), metavar, match["default"] if match else None, match["text"] if match else ""
    )


def _format_default(default: str | None) -> str:
    if default is None:
        return ""
    is_value = " " not in default or "<" in default
    return _code(default) if is_value else _escape(default)


def _code(text: str) -> str:
    """Return text as code; in a table GitHub and MkDocs escape a vertical bar differently, so it is an entity."""
    return f"<code>{_escape(text)}</code>" if set(text) & set("|<") else f"`{text}`"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;").replace("*", "\\*")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; with `--check`, report whether it is up to date instead."""
    parser = argparse.ArgumentParser(prog="python -m docs.options", description="Write the tables of docs/options.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the page is out of date")
    check = parser.parse_args(arguments).check
    text = PAGE.read_text(encoding="utf-8")
    generated = generate(text)
    if not check:
        PAGE.write_text(generated, encoding="utf-8")
    return int(check and generated != text)


if __name__ == "__main__":
    raise SystemExit(main())
