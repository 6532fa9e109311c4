"""The gold files on disk: compared, accepted, and what differs saved beside them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
GOLD = HERE / "accepted"
ACTUAL = HERE / "actual"
"""Not in git: what a test found, for a diff against `accepted`."""

_MOST_LINES = 40


def compare(texts: Mapping[str, str], *, gold: Path = GOLD, actual: Path = ACTUAL, whole: bool = True) -> list[str]:
    """A diff for each text that is not its gold file's, and a line for each gold file that has none any more.

    What differs is saved under `actual`; what does not is removed there.

    Args:
        texts: name of a file → what there is now.
        gold: the folder of accepted files.
        actual: where to save what differs.
        whole: whether `texts` are all there are, so that another gold file is one too many.
    """
    found = []
    for name, text in texts.items():
        accepted = _read(gold / name)
        if accepted == text:
            (actual / name).unlink(missing_ok=True)
            continue
        actual.mkdir(exist_ok=True)
        (actual / name).write_text(text, encoding="utf-8", newline="\n")
        found.append(_difference(name, accepted, text))
    surplus = sorted(path.name for path in gold.glob("*")) if whole else []
    return found + [f"{name} is accepted, but nothing makes it." for name in surplus if name not in texts]


def accept(texts: Mapping[str, str], *, gold: Path = GOLD, actual: Path = ACTUAL) -> list[str]:
    """Makes these texts the gold files, and no others; returns the names that changed."""
    gold.mkdir(exist_ok=True)
    changed = [name for name, text in texts.items() if _read(gold / name) != text]
    for name in changed:
        (gold / name).write_text(texts[name], encoding="utf-8", newline="\n")
    surplus = [path for path in gold.glob("*") if path.name not in texts]
    for path in [*surplus, *actual.glob("*")]:
        path.unlink()
    return changed + sorted(path.name for path in surplus)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _difference(name: str, accepted: str | None, text: str) -> str:
    if accepted is None:
        return f"{name} was never accepted."
    lines = list(difflib.unified_diff(accepted.splitlines(), text.splitlines(), f"accepted/{name}", f"actual/{name}", lineterm="", n=1))  # fmt: skip
    more = [f"… {len(lines) - _MOST_LINES} lines more"] if len(lines) > _MOST_LINES else []
    return "\n".join([*lines[:_MOST_LINES], *more])
