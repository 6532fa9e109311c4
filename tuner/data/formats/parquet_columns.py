"""The columns of a parquet file that hold pictures and labels, and the names of its classes. Schemas only: no rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.core.errors import fault

# pyarrow has no types: its schemas are `Any` here.

_MOST_NAMES = 10_000


@dataclass(frozen=True)
class Columns:
    """The columns of a file that are read."""

    image: str
    label: str
    is_struct: bool
    """True: a picture's content is the field `bytes` of a struct; False: the column itself."""
    class_names: tuple[str, ...] | None
    """The names of labels 0, 1, 2 and so on, from Hugging Face's metadata; None: none are there."""

    @property
    def picture(self) -> str:
        """Return the column of the pictures' content, in pyarrow's notation."""
        return f"{self.image}.bytes" if self.is_struct else self.image

    @property
    def read(self) -> list[str]:
        """Return the columns that are read, in pyarrow's notation."""
        return [self.picture, self.label]


def has_pictures(schema: Any) -> bool:
    """Return whether a column may hold pictures."""
    return any(map(_holds_pictures, schema))


def find_columns(path: str, schema: Any) -> Columns:
    """Return the columns of pictures and labels.

    Raises:
        DataError: none, or several that may be meant.
    """
    features = _features(schema.metadata or {})
    pictures = {field.name: _holds_bytes(field.type) for field in schema if _holds_pictures(field)}
    image = _chosen(path, schema, _PICTURES, list(pictures))
    labels = [field.name for field in schema if field.name != image and _may_be_labels(field.type)]
    named = [name for name, feature in features.items() if _names_of(feature) and name in labels]
    label = _chosen(path, schema, _LABELS, labels, named)
    return Columns(image, label, pictures[image], _names_of(features.get(label)))


@dataclass(frozen=True)
class _Wanted:
    """A kind of column that a file must have."""

    what: str
    names: tuple[str, ...]
    """Its usual names."""
    expected: str
    do: str
    """The advice where there is none."""


_PICTURES = _Wanted(
    "pictures",
    ("image", "img", "picture", "pixels"),
    "a column image: a struct with the field bytes",
    "save pictures as Hugging Face's datasets does; for a table of pixels: "
    "pandas.read_parquet(FILE).to_csv('data.csv', index=False)",
)
_LABELS = _Wanted(
    "labels",
    ("label", "labels", "class", "target", "digit", "y", "category"),
    "a column label of whole numbers or texts",
    "give a file that has labels; one without them is for predictions",
)


def _chosen(path: str, schema: Any, wanted: _Wanted, candidates: Sequence[str], preferred: Sequence[str] = ()) -> str:
    """Return the candidate with a usual name, else the one that Hugging Face's metadata names, else the only one."""
    by_name = [name for name in candidates if name.lower() in wanted.names]
    for choice in (by_name, preferred, candidates):
        if len(choice) == 1:
            return choice[0]
    columns = ", ".join(schema.names[:8]) + (", …" if len(schema.names) > 8 else "")
    if candidates:
        raise fault(
            f"{path}: it is not clear which column has the {wanted.what}: {' or '.join(candidates[:4])}",
            expected=wanted.expected,
            received=f"the columns {columns}",
            do="write the file with one of them only, under that name",
        )
    raise fault(
        f"{path} has no column of {wanted.what}",
        expected=wanted.expected,
        received=f"the columns {columns}" if columns else "no columns",
        do=wanted.do,
    )


def _holds_pictures(field: Any) -> bool:
    from pyarrow import types

    plain = types.is_binary(field.type) or types.is_large_binary(field.type)
    return _holds_bytes(field.type) or plain


def _holds_bytes(kind: Any) -> bool:
    from pyarrow import types

    if not types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    content = kind.field("bytes").type
    return bool(types.is_binary(content) or types.is_large_binary(content))


def _may_be_labels(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    checks = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
    return any(check(kind) for check in checks)


def _features(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Return Hugging Face's features by column; empty where the metadata has none that can be read."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def _names_of(feature: Any) -> tuple[str, ...] | None:
    names = feature.get("names") if isinstance(feature, dict) else None
    if not isinstance(names, list) or not 1 < len(names) <= _MOST_NAMES:
        return None
    return tuple(names) if all(isinstance(name, str) and name.strip() for name in names) else None
