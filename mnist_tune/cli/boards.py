"""`mnist-tune boards`: the microcontrollers that `--board` knows."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from rich.text import Text

from mnist_tune.cli.parser import Parser, make_parser
from mnist_tune.cli.spaces import make_console
from mnist_tune.terminal.space_tables import fitted_table
from search_spaces.networks.boards import BOARDS, RUNTIME_CODE_BYTES, USER_SHARE, Board
from search_spaces.networks.costs import LayerSummary
from search_spaces.networks.latency import SOURCE, guess_latency

_EXAMPLE = LayerSummary("conv_1", "conv", (1, 1, 1), parameters=0, multiply_adds=1_000_000)


def make_command_parser() -> Parser:
    """Return the command's parser."""
    return make_parser(
        "mnist-tune boards", "List the microcontrollers that --board knows: their memory, clock, caps and sources."
    )


def run(given: Namespace, words: Sequence[str]) -> None:
    """Print the boards, and their sources."""
    del given, words
    print_boards()


def print_boards() -> None:
    """Print a table of the boards, what their caps leave out, and the documents that the figures are from."""
    console = make_console()
    headings = ("board", "core", "MHz", "RAM", "flash", "max RAM", "max flash", "ms a million")
    rows = [_cells(board) for board in BOARDS.values()]
    console.print(fitted_table(headings, rows, console, right=range(2, len(headings))))
    for paragraph in _notes():
        console.print(Text(paragraph))
        console.print()
    for board in BOARDS.values():
        console.print(Text(f"{board.name}: {board.title}. {board.source}"))


def _cells(board: Board) -> tuple[str, ...]:
    caps = (format_size(board.max_ram), format_size(board.max_flash)) if board.max_flash else ("–", "too small")
    sizes = (format_size(board.ram), format_size(board.flash))
    return (board.name, board.core, f"{board.clock_mhz}", *sizes, *caps, format_example(board))


def _notes() -> tuple[str, ...]:
    return (
        f"The caps leave {USER_SHARE:.0%} of RAM and flash to your program, and {format_size(RUNTIME_CODE_BYTES)} of "
        "flash to the code of TFLM's interpreter, an assumption. --max-ram and --max-flash go before them. "
        '"too small": TFLM\'s code leaves no flash.',
        f"ms a million: a guess of the time of a million multiply-adds of full convolutions, by cycles from {SOURCE} "
        "(a Cortex-M7, with fast kernels and with plain ones); on cores without DSP instructions half to twice the "
        "plain kernels' cycles. Nothing of it is measured here.",
    )


def format_example(board: Board) -> str:
    """Return the guessed milliseconds of a million multiply-adds: "10 to 60"."""
    ends = guess_latency([_EXAMPLE], board)
    return " to ".join(f"{end:.2g}" if end < 10 else f"{end:.0f}" for end in ends)


def format_size(size: int) -> str:
    """Return a size as `--max-ram` takes it: "198k", "1.5M"; bytes where they are no whole number of those."""
    for unit, letter in ((2**20, "M"), (2**10, "k")):
        if size >= unit and (size * 2) % unit == 0:
            return f"{size / unit:g}{letter}"
    return f"{size}"
