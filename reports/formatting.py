"""Formatting of numbers as text: the one place that decides how many digits a reader sees. No HTML, no statistics."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from datetime import date

from tuner.core.records import tidy_epochs

MISSING = "–"
"""The text of a missing number."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BYTES_STEP = 1024
_MINUTE_S = 60
_HOUR_S = 3600


def percent(fraction: float | None, digits: int = 2) -> str:
    """Format a fraction in percent, without the sign, which the header has: 0.99457 → "99.46"."""
    return MISSING if _missing(fraction) else f"{100 * _number(fraction):.{digits}f}"


def exact_percent(fraction: float | None) -> str:
    """Format a fraction in percent with two to four decimals: 0.994 → "99.40", 0.99456 → "99.456"."""
    words = percent(fraction, 4)
    return words if words == MISSING else words[:-2] + words[-2:].rstrip("0")


def loss(value: float | None) -> str:
    """Format a loss with four decimals."""
    return MISSING if _missing(value) else f"{_number(value):.4f}"


def area(value: float | None) -> str:
    """Format an area under a curve with five decimals, rounded down, so that 1 means 1."""
    return MISSING if _missing(value) else f"{math.floor(1e5 * _number(value) + 1e-6) / 1e5:.5f}"


def interval(estimate: float | None, bounds: tuple[float, float] | None) -> str:
    """Format an estimate with its interval in percent: (.9946, (.9930, .9959)) → "99.46 [99.30, 99.59]"."""
    if bounds is None or _missing(estimate):
        return percent(estimate)
    return f"{percent(estimate)} [{percent(bounds[0])}, {percent(bounds[1])}]"


def spread(mean: float | None, sd: float | None) -> str:
    """Format a mean with its spread in percent: (.9946, .0005) → "99.46 ± 0.05"; without a spread the mean."""
    return percent(mean) if _missing(sd) else f"{percent(mean)} ± {percent(sd)}"


def between(bounds: tuple[float, float]) -> str:
    """Format an interval in percent, without the sign: (.9942, .9968) → "99.42–99.68"."""
    return f"{percent(bounds[0])}–{percent(bounds[1])}"


def points(difference: float | None) -> str:
    """Format a difference of two fractions in percentage points, with its sign: .0012 → "+0.12"."""
    if _missing(difference):
        return MISSING
    text = f"{100 * _number(difference):+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text.replace("-", "−")


def points_interval(difference: float | None, bounds: tuple[float, float] | None) -> str:
    """Format a difference with its interval in points: (.0012, (-.0003, .0027)) → "+0.12 [−0.03, +0.27]"."""
    if bounds is None or _missing(difference):
        return points(difference)
    return f"{points(difference)} [{points(bounds[0])}, {points(bounds[1])}]"


def probability(p: float | None) -> str:
    """Format a p value with two significant digits: 0.0374 → "0.037", 0.00001 → "< 0.0001"."""
    if _missing(p):
        return MISSING
    value = _number(p)
    if value < 1e-4:
        return "< 0.0001"
    return f"{value:.4f}" if value < 1e-3 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def count(value: float | None) -> str:
    """Format a count with thousands separators: 7884 → "7,884"."""
    return MISSING if _missing(value) else f"{round(_number(value)):,}"


def epochs(value: float | None) -> str:
    """Format a number of epochs: 15 → "15", 0.56 → "0.56"."""
    return MISSING if _missing(value) else f"{tidy_epochs(_number(value)):,}"


def plural(number: float, noun: str, several: str | None = None) -> str:
    """Format a number with its noun: (1, "trial") → "1 trial", (0.56, "epoch") → "0.56 epochs"."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def short(value: float | None) -> str:
    """Format a learning rate or a statistic of weights with three significant digits."""
    if _missing(value):
        return MISSING
    number = _number(value)
    if number != 0 and not 1e-3 <= abs(number) < 1e5:
        mantissa, exponent = f"{number:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}".replace("-", "−")
    return f"{number:.3g}".replace("-", "−") if abs(number) < 1000 else count(number).replace("-", "−")


def signed(value: float | None, digits: int = 3) -> str:
    """Format a number with a fixed number of decimals, so that a column aligns."""
    return MISSING if _missing(value) else f"{_number(value):.{digits}f}".replace("-", "−")


def duration(seconds: float | None) -> str:
    """Format a duration: 0.42 → "0.4 s", 75 → "1 min 15 s", 4000 → "1 h 07 min"."""
    if _missing(seconds):
        return MISSING
    value = _number(seconds)
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:02d} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:02d} min"


def rough_duration(seconds: float) -> str:
    """Format an estimated duration to the minute: 20 → "1 min", 1952 → "33 min", 4000 → "1 h 07 min"."""
    hours, minutes = divmod(max(1, round(seconds / _MINUTE_S)), _HOUR_S // _MINUTE_S)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def milliseconds(seconds: float | None) -> str:
    """Format seconds in milliseconds, three significant digits below ten, without the unit: 0.000216 → "0.216"."""
    if _missing(seconds):
        return MISSING
    value = 1000 * _number(seconds)
    return f"{value:.3g}" if value < 10 else f"{value:.0f}"


def size(size_bytes: float | None) -> str:
    """Format a size in the largest binary unit that gives a number of one or more."""
    if _missing(size_bytes):
        return MISSING
    value = _number(size_bytes)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < _BYTES_STEP:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= _BYTES_STEP
    return f"{value:.1f} TiB"


def moment(iso: str | None) -> str:
    """Format an ISO 8601 time to the minute: "2026-01-02 03:04 UTC"."""
    if not iso:
        return MISSING
    return f"{iso[:10]} {iso[11:16]} UTC" if len(iso) >= 16 else iso


def day(iso: str | None) -> str:
    """Format the day of an ISO 8601 time: "22 Nov 2026"; "" without one, or where it is none."""
    try:
        when = date.fromisoformat((iso or "")[:10])
    except ValueError:
        return ""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def shape(sizes: Sequence[int]) -> str:
    """Format a shape: (26, 26, 10) → "26×26×10"."""
    return "×".join(str(part) for part in sizes) or MISSING


def setting(value: object) -> str:
    """Format a hyperparameter's value for a reader."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return short(value) if isinstance(value, float) else str(value)


def command(words: Sequence[str]) -> str:
    """Format a command line that can be pasted into a shell."""
    return shlex.join(words)


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _number(value: float | None) -> float:
    return 0.0 if value is None else float(value)
