"""The user's images (`--images`): read and prepared before the first trial; afterwards the files are not needed.

`tuner.images.ood_images` classifies them at the end.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.core.errors import DataError, UsageError
from tuner.core.text import escape_unprintable
from tuner.images.input_form import DIGITS, InputForm
from tuner.images.prediction import Sample, make_sample
from tuner.images.reading import NoImages, images_in, passed_over, read_images
from tuner.storage.npz_io import read_npz, write_npz

MOST_IMAGES = 500
"""The largest number; more are left out, with a note."""
THUMBNAIL = 64
"""The longer side of an original's thumbnail, in pixels."""
UNKNOWN = -1
"""The label of an image without a known class."""

_KINDS = {
    "names": "U", "warnings": "U", "labels": "i", "readable": "b", "prepared": "b", "seen": "u", "originals": "u", "sizes": "i",
}  # fmt: skip
"""NumPy's kinds of the arrays that are saved."""
_MOST_BYTES = 2**28
"""The most bytes of a saved file once unpacked; 500 images of 28×28 take 7 MiB, of 128×128 in colour 30 MiB."""
_EXPECTED = "Expected an image, a .npy or .npz file, or a folder of images"


@dataclass(frozen=True, eq=False)
class OwnImages:
    """A user's images, n of them, at most 500, in the order of their names."""

    names: tuple[str, ...]
    """Paths relative to the given folder: "7/scan.png"."""
    warnings: tuple[str, ...]
    """The warning of each; empty where there is nothing to say."""
    labels: NDArray[np.int64]
    """(n,) classes, or -1 where the folder's name is no class."""
    readable: NDArray[np.bool_]
    """(n,)"""
    prepared: NDArray[np.bool_]
    """(n,): True where an image was prepared for the network."""
    seen: NDArray[np.uint8]
    """(n, h, w) or (n, h, w, 3); black where nothing was prepared."""
    originals: NDArray[np.uint8]
    """(n, 64, 64, 3), each in the upper left corner."""
    sizes: NDArray[np.int64]
    """(n, 2): height and width of the original within these; 0 where it can't be shown."""
    notes: tuple[str, ...] = ()
    """Notes for the user about all of them."""

    def save(self, path: Path) -> None:
        """Write everything but the notes."""
        values = {name: np.array(getattr(self, name)) for name in OwnImages.__dataclass_fields__ if name != "notes"}
        write_npz(path, values)


def load_own_images(path: Path) -> OwnImages:
    """Return the images that `OwnImages.save` wrote.

    Raises:
        DataError: where the file is damaged, or holds something else.
    """
    try:
        values = read_npz(path, _MOST_BYTES)
    except ValueError as error:
        raise DataError(f"{path} can't be read: {error}.") from error
    kinds = {name: array.dtype.kind for name, array in values.items()}
    if kinds != _KINDS or len({array.shape[:1] for array in values.values()}) != 1:
        raise DataError(f"{path} holds no prepared images. Received: {', '.join(sorted(values)) or 'nothing'}.")
    texts = {name: tuple(map(str, values.pop(name))) for name in ("names", "warnings")}
    return OwnImages(**texts, **values)  # type: ignore[arg-type]


def read_own_images(given: str, class_names: Sequence[str], form: InputForm = DIGITS) -> OwnImages:
    """Read and prepare the images at a path.

    Args:
        given: an image, a `.npy` or `.npz` file, or a folder. In a folder, the images in it have no label; those in a
            folder below that is named as a class have that class as label.
        class_names: the names of the run's classes.
        form: the images that the run's models take.

    Raises:
        UsageError: where there is nothing at the path, or no image that can be read.
    """
    if not os.path.lexists(given):
        raise UsageError(f"--images: there is no such file or folder. {_EXPECTED}. Received: {given}")
    try:
        groups, notes = _groups(Path(given), class_names)
        read = list(islice(_samples(groups, form), MOST_IMAGES + 1))
    except NoImages as error:
        raise UsageError(f"--images: {error}") from error
    if not read:
        raise UsageError(f"--images: no image is there. {_EXPECTED}, or of folders named as classes. Received: {given}")
    if len(read) > MOST_IMAGES:
        notes.append(f"Of the images in {escape_unprintable(given)} the first {MOST_IMAGES} are used.")
    return _collected(read[:MOST_IMAGES], Path(given), notes, form)


def _groups(given: Path, class_names: Sequence[str]) -> tuple[list[tuple[Path, int]], list[str]]:
    """Return each file with its label, by name, and notes about those that are skipped."""
    if not os.path.isdir(given):
        return [(given, UNKNOWN)], []
    labels = {_plain(name): label for label, name in enumerate(class_names)}
    labelled_files = [(path, UNKNOWN) for path in images_in(given)]
    folders = sorted(path for path in given.iterdir() if path.is_dir() and not path.name.startswith("."))
    known = [path for path in folders if _plain(path.name) in labels]
    labelled_files += [(path, labels[_plain(folder.name)]) for folder in known for path in images_in(folder)]
    others = [escape_unprintable(path.name) for path in folders if path not in known]
    files = [path for folder in (given, *known) for path in passed_over(folder) if not path.is_dir()]
    notes = [_left_out(others)] if others else []
    return labelled_files, [*notes, _no_images(files, given)] if files else notes


def _plain(name: str) -> str:
    """Return a class's or a folder's name in a form that compares: "T-shirt/top" as "T-shirt_top", "t shirt top" …"""
    return "_".join("".join(sign if sign.isalnum() else " " for sign in name.casefold()).split())


def _left_out(folders: Sequence[str]) -> str:
    names = ", ".join(folders[:5]) + (", …" if len(folders) > 5 else "")
    return f"--images: no class is named as these folders, so their images were left out: {names}."


def _no_images(files: Sequence[Path], given: Path) -> str:
    names = ", ".join(escape_unprintable(os.path.relpath(path, given)) for path in files)
    return f"--images: these files are no images and were skipped: {names}."


def _samples(files: Iterable[tuple[Path, int]], form: InputForm) -> Iterator[tuple[Sample, int]]:
    for path, label in files:
        # A file that is named "-" is not standard input.
        for read in read_images([os.path.join(path.parent, path.name)], io.BytesIO):
            yield make_sample(read, raw=False, form=form), label


def _collected(read: Sequence[tuple[Sample, int]], given: Path, notes: Sequence[str], form: InputForm) -> OwnImages:
    nothing = np.zeros(form.image_shape, np.uint8)
    samples = [sample for sample, _ in read]
    base = given if os.path.isdir(given) else given.parent
    bad = [sample for sample in samples if not sample.readable]
    if len(bad) == len(samples):
        more = f" (and {len(bad) - 1} more, none of which can be used)" if len(bad) > 1 else ""
        raise UsageError(f"--images: {escape_unprintable(bad[0].name)}: {bad[0].warning}{more}")
    unusable = f"--images: {len(bad)} of {len(samples)} images can't be used; the report says why."
    thumbnails = [_thumbnail(sample.original) for sample in samples]
    return OwnImages(
        names=tuple(escape_unprintable(os.path.relpath(sample.name, base)) for sample in samples),
        warnings=tuple(escape_unprintable(sample.warning or "") for sample in samples),
        labels=np.array([label for _, label in read], np.int64),
        readable=np.array([sample.readable for sample in samples]),
        prepared=np.array([sample.image is not None for sample in samples]),
        seen=np.stack([nothing if sample.image is None else sample.image for sample in samples]),
        originals=np.stack([thumbnail for thumbnail, _ in thumbnails]),
        sizes=np.array([size for _, size in thumbnails], np.int64),
        notes=(*notes, *([unusable] if bad else [])),
    )


def _thumbnail(original: Image.Image | None) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    canvas = np.zeros((THUMBNAIL, THUMBNAIL, 3), np.uint8)
    if original is None:
        return canvas, (0, 0)
    small = original.convert("RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    canvas[: small.height, : small.width] = np.asarray(small)
    return canvas, (small.height, small.width)
