"""The files of a folder that has a sub-folder of pictures for each class, perhaps under train/, validation/ and test/. Names only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.core.errors import DataError, fault
from tuner.core.text import escape_unprintable, natural_key
from tuner.data.validation import Split
from tuner.images.reading import SUFFIXES

_SPLIT_NAMES: Mapping[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}
_PICTURES = tuple(suffix for suffix in SUFFIXES if suffix not in (".npy", ".npz"))
_SYSTEM_FILES = ("thumbs.db", "desktop.ini", "ehthumbs.db")
"""Files that Windows puts into folders of pictures. Those of other systems are hidden."""
_FEWEST_CLASSES = 2
_NAMED = 5


@dataclass(frozen=True)
class PictureFile:
    """A picture and its class."""

    path: Path
    label: int


@dataclass(frozen=True)
class ClassFolders:
    """The pictures of a folder."""

    folder: Path
    class_names: tuple[str, ...]
    """The names of the sub-folders in natural order: 2 before 10."""
    files: Mapping[Split, tuple[PictureFile, ...]]
    """By class, then by name. "train" has pictures of every class; the others may be missing."""
    notes: tuple[str, ...] = ()
    """Notes for the user about what was passed over."""


def has_class_folders(folder: Path) -> bool:
    """Return whether two sub-folders or more, of a folder or of train/ in it, hold pictures."""
    places = (_split_folders(folder).get("train"), folder)
    return any(_has_classes(place) for place in places if place is not None)


def find_class_folders(folder: Path) -> ClassFolders:
    """Return the pictures of a folder for which `has_class_folders` holds.

    Raises:
        DataError: a class that has no training pictures, or pictures of splits without a folder for each class.
        OSError: a folder that can't be read.
    """
    splits = {
        split: place
        for split, place in _split_folders(folder).items()
        if split == "train" or _has_pictures_below(place)
    }
    if "train" not in splits or not _has_classes(splits["train"]):
        splits = {"train": folder}
    inside = {split: _Contents.of(place) for split, place in splits.items()}
    names = sorted({name for contents in inside.values() for name in contents.classes}, key=natural_key)
    _check_splits(folder, inside["train"].classes)
    _check_classes(folder, inside)
    files = {
        split: tuple(
            PictureFile(path, label) for label, name in enumerate(names) for path in contents.classes.get(name, ())
        )
        for split, contents in inside.items()
    }
    passed_over = [path for contents in inside.values() for path in contents.passed_over]
    if splits["train"] != folder:
        passed_over += [place for place in _folders(folder) if place not in splits.values()]
    return ClassFolders(folder, tuple(map(escape_unprintable, names)), files, tuple(_notes(folder, passed_over)))


def _split_folders(folder: Path) -> dict[Split, Path]:
    """Return split → its folder, where there is one."""
    by_name = {path.name.lower(): path for path in reversed(_folders(folder))}
    return {
        split: next(by_name[name] for name in names if name in by_name)
        for split, names in _SPLIT_NAMES.items()
        if not by_name.keys().isdisjoint(names)
    }


def _has_classes(folder: Path) -> bool:
    with_pictures = (place for place in _folders(folder) if next(_pictures(place), None) is not None)
    return sum(1 for _, _ in zip(range(_FEWEST_CLASSES), with_pictures, strict=False)) == _FEWEST_CLASSES


def _has_pictures_below(folder: Path) -> bool:
    return any(next(_pictures(place), None) is not None for place in _folders(folder))


@dataclass(frozen=True)
class _Contents:
    """The sub-folders of a folder."""

    classes: Mapping[str, Sequence[Path]]
    """Name → pictures, in the order of their names."""
    passed_over: Sequence[Path]

    @classmethod
    def of(cls, folder: Path) -> _Contents:
        classes, passed_over = {}, list(_pictures(folder))
        for place in _folders(folder):
            pictures = sorted(_pictures(place))
            if pictures:
                classes[place.name] = pictures
                passed_over += sorted(_other_files(place))
            else:
                passed_over.append(place)
        return cls(classes, passed_over)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if not entry.name.startswith("."))


def _folders(folder: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in _entries(folder) if entry.is_dir())


def _pictures(folder: Path) -> Iterator[Path]:
    return (Path(entry.path) for entry in _entries(folder) if _is_picture(entry))


def _other_files(folder: Path) -> Iterator[Path]:
    return (
        Path(entry.path)
        for entry in _entries(folder)
        if not _is_picture(entry) and entry.name.lower() not in _SYSTEM_FILES
    )


def _is_picture(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(_PICTURES) and entry.is_file()


def _check_splits(folder: Path, classes: Mapping[str, Sequence[Path]]) -> None:
    """Raise where the folders of two splits hold pictures themselves, and would be taken as classes."""
    named = {split: name for name in classes for split, names in _SPLIT_NAMES.items() if name.lower() in names}
    if len(named) > 1:
        raise fault(
            f"{folder}: the pictures have no classes",
            expected="a sub-folder of pictures for each class, in each split: train/ant, train/bee, test/ant …",
            received=f"pictures directly in {_listed(list(named.values()))}",
            do="sort them into folders of their classes; if these are classes, rename their folders",
        )


def _check_classes(folder: Path, inside: Mapping[Split, _Contents]) -> None:
    trained = inside["train"].classes
    for split, contents in inside.items():
        missing = sorted(set(contents.classes) - set(trained), key=natural_key)
        if missing:
            raise _missing_classes(folder, split, missing, list(trained))


def _missing_classes(folder: Path, split: Split, missing: Sequence[str], trained: Sequence[str]) -> DataError:
    return fault(
        f"{folder}: classes of the {split} pictures have no training pictures",
        expected=f"the folders of train/: {_listed(sorted(trained, key=natural_key))}",
        received=_listed(missing),
        do="name the folders alike, or add training pictures of these classes",
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(escape_unprintable, names[:_NAMED]))
    return f"{shown} and {len(names) - _NAMED:,} more" if len(names) > _NAMED else shown


def _notes(folder: Path, passed_over: Sequence[Path]) -> Iterator[str]:
    if passed_over:
        names = _listed([str(path.relative_to(folder)) for path in passed_over])
        what = "One file or folder was" if len(passed_over) == 1 else f"{len(passed_over):,} files and folders were"
        yield f"{what} passed over, which are no pictures in the folder of a class: {names}."
