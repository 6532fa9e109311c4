"""HEIC, the format of many phones' cameras: recognising it, and reading it where `pillow-heif` is installed."""

from __future__ import annotations

import importlib

_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_AVIF = (b"avif", b"avis")
_PACKAGE = "pillow_heif"
HEAD_BYTES = 256
"""The bytes of a file that say whether it is HEIC."""

ADVICE = 'a HEIC image, which is not read here. Save it as JPEG, or install pillow-heif: pip install "mnist-tune[heic]"'


def is_heic(content: bytes) -> bool:
    """Return whether a file begins as HEIC does: a box "ftyp" with one of its brands, and none of AVIF's (ISO/IEC 23008-12)."""
    if content[4:8] != b"ftyp":
        return False
    box = content[8 : min(int.from_bytes(content[:4], "big"), HEAD_BYTES)]
    brands = {box[start : start + 4] for start in range(0, len(box) - 3, 4)}
    return not brands.isdisjoint(_BRANDS) and brands.isdisjoint(_AVIF)


def readable_formats(content: bytes) -> tuple[str, ...]:
    """Return Pillow's name of the format where a file is HEIC and `pillow-heif` is installed, else an empty tuple."""
    if not is_heic(content):
        return ()
    try:
        importlib.import_module(_PACKAGE).register_heif_opener()
    except ImportError:
        return ()
    return ("HEIF",)
