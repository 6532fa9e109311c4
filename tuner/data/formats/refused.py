"""Files that are not read, and how to make of each what is read. Nothing here opens a file."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from tuner.core.errors import DataError, fault

_EXPECTED = "an .npz, .csv, .parquet or .h5 file, or a folder of IDX files or of pictures"
_TRUST = "if you trust whoever made it, since reading it runs their code"


@dataclass(frozen=True)
class _Refusal:
    """A kind of file that is not read."""

    reason: str
    """The end of "FILE …"."""
    advice: str
    """The advice; {file}, {stem} and {npz} are the file, the path without its ending, and that with .npz, quoted for a shell."""


def _python(code: str) -> str:
    return f'python -c "{code}" {{file}} {{npz}}'


_PICKLE = _Refusal(
    "is pickled, and nothing pickled is loaded",
    f"{_TRUST}: "
    + _python(
        "import sys, numpy, pickle; d = pickle.load(open(sys.argv[1], 'rb')); "
        "x, y = [d[k] for k in ('images', 'labels')] if isinstance(d, dict) else d; "
        "numpy.savez_compressed(sys.argv[2], images=x, labels=y)"
    )
    + ", with the names that your file has",
)
_ZIPPED_PICKLE = _Refusal(
    "is pickled, and nothing pickled is loaded",
    f"{_TRUST}: "
    + _python(
        "import sys, numpy, pickle, gzip; s = pickle.load(gzip.open(sys.argv[1]), encoding='latin1'); "
        "numpy.savez_compressed(sys.argv[2], x_train=s[0][0], y_train=s[0][1], x_val=s[1][0], y_val=s[1][1], x_test=s[-1][0], y_test=s[-1][1])"
    )
    + ", if it holds training, validation and test pairs, as mnist.pkl.gz does",
)
_TORCH = _Refusal(
    "is a file of PyTorch, which is pickled, and nothing pickled is loaded",
    "convert it where PyTorch is installed: "
    + _python(
        "import sys, numpy, torch; x, y = torch.load(sys.argv[1], weights_only=True)[:2]; "
        "numpy.savez_compressed(sys.argv[2], images=x.numpy(), labels=y.numpy())"
    )
    + ", if it is a pair of tensors",
)
_MAT = _Refusal(
    "is a file of MATLAB",
    "convert it: "
    + _python(
        "import sys, numpy, scipy.io; d = scipy.io.loadmat(sys.argv[1]); "
        "numpy.savez_compressed(sys.argv[2], images=numpy.moveaxis(d['X'], -1, 0), labels=d['y'])"
    )
    + " (X: height, width, images last, as in SVHN; scipy.io.whosmat lists the names in your file)",
)
_EMNIST_MAT = _Refusal(
    "is a file of MATLAB",
    "convert it, the images upright: "
    + _python(
        "import sys, numpy, scipy.io; d = scipy.io.loadmat(sys.argv[1], simplify_cells=True)['dataset']; "
        "x = {'x_' + s: d[s]['images'].reshape(-1, 28, 28).transpose(0, 2, 1) for s in ('train', 'test')}; "
        "numpy.savez_compressed(sys.argv[2], **x, y_train=d['train']['labels'], y_test=d['test']['labels'])"
    ),
)
_NPY = _Refusal(
    "holds one array, and images and labels are needed",
    'save both in one file: python -c "import sys, numpy; a = [numpy.load(f) for f in sys.argv[1:3]]; '
    'numpy.savez_compressed(sys.argv[3], images=a[0], labels=a[1])" {file} LABELS.npy {npz}',
)
_TFRECORD = _Refusal(
    "is a TFRecord file, whose content depends on the program that wrote it",
    "write the decoded images and labels with numpy.savez_compressed('data.npz', images=x, labels=y); for a set of TensorFlow Datasets: "
    "x, y = tensorflow_datasets.as_numpy(tensorflow_datasets.load(NAME, split='train', batch_size=-1, as_supervised=True))",
)
_ARROW = _Refusal(
    "is a file of Hugging Face's cache",
    "save it as parquet: python -c \"import sys, datasets; datasets.Dataset.from_file(sys.argv[1]).to_parquet(sys.argv[2])\" "
    "{file} {stem}.parquet",
)  # fmt: skip
_ZIP = _Refusal("is an archive", "unpack it and give the folder: python -m zipfile -e {file} {stem}")
_TAR = _Refusal("is an archive", "unpack it and give the folder: mkdir {stem} && tar -xf {file} -C {stem}")
_OTHER_ARCHIVE = _Refusal("is an archive", "unpack it and give the folder")
_SHEET = _Refusal(
    "is a spreadsheet", "save it as CSV: a label and the pixels of one image a row, and give the .csv file"
)
_REFUSALS = {
    ".pkl": _PICKLE, ".pickle": _PICKLE, ".p": _PICKLE, ".joblib": _PICKLE, ".pkl.gz": _ZIPPED_PICKLE,
    ".pickle.gz": _ZIPPED_PICKLE, ".pt": _TORCH, ".pth": _TORCH, ".mat": _MAT,
    ".npy": _NPY, ".tfrecord": _TFRECORD, ".tfrecords": _TFRECORD, ".arrow": _ARROW, ".feather": _ARROW, ".zip": _ZIP,
    ".tar": _TAR, ".tar.gz": _TAR, ".tgz": _TAR, ".tar.bz2": _TAR, ".tar.xz": _TAR, ".rar": _OTHER_ARCHIVE,
    ".7z": _OTHER_ARCHIVE, ".xlsx": _SHEET, ".xls": _SHEET, ".ods": _SHEET,
}  # fmt: skip


def is_refused(path: Path) -> bool:
    """Return whether a path names a file of a kind that is not read."""
    return _ending(path) is not None and not os.path.isdir(path)


def refusal(path: Path) -> DataError:
    """Return the error for a file of a kind that is not read: the command that converts it."""
    ending = _ending(path)
    is_emnist = ending == ".mat" and path.name.lower().startswith("emnist")
    kind = _EMNIST_MAT if is_emnist else _REFUSALS[ending or ".zip"]
    if not os.path.isfile(path):
        return fault(f"{path} can't be read", expected=_EXPECTED, received="no such file", do="correct the path")
    stem = str(path)[: -len(ending or "")]
    quoted = {"file": shlex.quote(str(path)), "stem": shlex.quote(stem), "npz": shlex.quote(f"{stem}.npz")}
    advice = kind.advice.replace("{stem}.parquet", shlex.quote(f"{stem}.parquet"))
    for name, value in quoted.items():
        advice = advice.replace(f"{{{name}}}", value)
    return fault(f"{path} {kind.reason}", expected=_EXPECTED, received=f"a {ending} file", do=advice)


def _ending(path: Path) -> str | None:
    name = path.name.lower()
    return next((ending for ending in sorted(_REFUSALS, key=len, reverse=True) if name.endswith(ending)), None)
