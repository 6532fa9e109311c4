"""`python -m tests.gold [--accept]`: compares what there is with the gold files, or accepts it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.gold.files import ACTUAL, accept, compare
from tests.gold.runs import gold_texts


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 where something differs, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.gold", description=__doc__)
    parser.add_argument(
        "--accept", action="store_true", help="what there is becomes the gold, to be looked at in a diff"
    )
    if parser.parse_args(arguments).accept:
        for name in accept(gold_texts()):
            sys.stdout.write(f"Changed {name}\n")
        return 0
    differing = compare(gold_texts())
    for difference in differing:
        sys.stdout.write(f"{difference}\n")
    if differing:
        sys.stdout.write(f"What there is lies in {ACTUAL}. To accept it: python -m tests.gold --accept\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
