"""Archives of arrays: what was written is read, and what anybody else made is refused before it is unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tuner.images.image_arrays import images_of_array
from tuner.storage.npz_io import open_npz, read_npz, write_npz


def test_what_was_written_is_read(tmp_path: Path) -> None:
    arrays = {
        "a/b": np.arange(6).reshape(2, 3),
        "text": np.array(["x", "yz"]),
        "none": np.empty((0, 4)),
        "one": np.array(3),
    }
    write_npz(tmp_path / "a.npz", arrays)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
    for file in (tmp_path / "a.npz", io.BytesIO((tmp_path / "a.npz").read_bytes())):
        found = read_npz(file)
        assert list(found) == list(arrays)
        for name, values in arrays.items():
            assert found[name].dtype == values.dtype
            assert np.array_equal(found[name], values)


def archive(members: dict[str, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream


def npy(values: object, **options: bool) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(values), **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (io.BytesIO(b"no zip"), "not a zip file"),
        (archive({"a.npy": npy([None, {}], allow_pickle=True)}), "nothing pickled"),
        (archive({"a.npy": npy(np.zeros(9))[:-1]}), "truncated"),
        (archive({"a.npy": npy(np.zeros(9)) + b"\0"}), "truncated"),
        (archive({"a.npy": npy(np.array(["2020"], "M8[Y]"))}), "neither numbers nor texts"),
        (archive({"a.npy": npy(1), "b.txt": b"words"}), "no array"),
        (archive({"a.npy": b"words"}), "magic"),
        (archive({"a.npy": npy(np.zeros(2**17))}), "1 MiB once unpacked"),
    ],
)  # fmt: skip
def test_what_is_no_archive_of_plain_arrays_is_refused(file: io.BytesIO, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_npz(file, most_bytes=2**20)


def test_headers_are_read_before_values() -> None:
    with open_npz(archive({"a.npy": npy(np.zeros((3, 4), np.float32)), "b.txt": b"words"})) as found:
        header = found.header("a")
        assert (found.names, header.shape, header.dtype, header.size_bytes) == (["a"], (3, 4), np.dtype("float32"), 48)
        assert header.is_whole


def test_images_beside_other_members_are_found() -> None:
    content = archive({"readme.txt": b"words", "images.npy": npy(np.full((2, 5, 5), 9, np.uint8))}).getvalue()
    assert len(images_of_array(content)) == 2
