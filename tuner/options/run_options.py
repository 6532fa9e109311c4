"""The options of every run: a frozen dataclass, validated when it is made. Its defaults are the command line's."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeAlias, TypeVar

from search_spaces.networks.boards import RUNTIME_CODE_BYTES, find_board
from tuner.core.errors import UsageError
from tuner.core.pictures import LARGEST_SIDE, LEAST_SIDE, Resize, canonical_image_size
from tuner.core.records import Json, Kind
from tuner.options.durations import LONGEST, parse_duration
from tuner.options.option import COUNT, option, out_of_range, validate
from tuner.options.parsing import parse_count_or_auto
from tuner.options.sizes import SIZE, parse_size

Device: TypeAlias = Literal["auto", "cpu", "gpu"]

Options = TypeVar("Options", bound="RunOptions")

MAX_SEED = 2**32 - 1
CAPS = ("max_params", "max_macs", "max_ram", "max_flash", "board")
"""Options that limit what is sampled: a search has them."""
EPOCHS, SEEDS = (1, 10_000), (1, 1000)
"""Ranges of the options."""
NO_TEST = "leave the test set alone"
OBJECTIVE = (
    "val_accuracy; balanced_accuracy (mean over classes of recall): each class counts alike, however many images it has; or int8: the "
    "accuracy of the quantised model"
)
IMAGES = "your own images, a file or a folder, which the {} classifies; folders in it named as classes label them"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of every run.

    Raises:
        UsageError: where a value is of a wrong type or outside its range.
    """

    kind: ClassVar[Kind]

    space: str = option(..., "the search space; mnist-tune spaces lists them", group="task", metavar="NAME")
    data: str = option(
        "auto",
        "auto (MNIST, or 8×8 digits where it is unavailable), mnist, fashion_mnist, cifar10, cifar100, digits, a .npz, .csv, .parquet or "
        ".h5 file, or a folder of such files, of IDX files, or with a sub-folder of pictures for each class (docs/data.md)",
        group="task",
        metavar="SOURCE",
    )
    test_data: str | None = option(
        None,
        "a second file of the same kind (.npz, .csv, .parquet or .h5), whose images are the test set",
        group="task",
        metavar="FILE",
        unset="the source's own, or a seventh of its images",
    )
    transpose: bool = option(
        False, "exchange rows and columns of the images; done for files whose names begin with emnist", group="task"
    )
    validation: float = option(0.1, "fraction of the training set, in (0, 0.5], that is split off", group="task", metavar="SHARE")  # fmt: skip
    train_samples: int | None = option(None, "train on N images", group="task", metavar="N", limits=COUNT, unset="all")
    image_size: str | None = option(
        None,
        f"N or HxW: height and width of the images in pixels, {LEAST_SIDE} to {LARGEST_SIDE}, such as 32 or 48x32",
        group="task",
        metavar="SIZE",
        parse=canonical_image_size,
        unset="their own up to 64x64 where all are alike, else 32",
    )
    resize: Resize = option(
        "crop",
        "where proportions differ: crop (keep the middle), pad (add black borders) or stretch",
        group="task",
        metavar="NAME",
    )
    grayscale: bool = option(False, "make colour images grey", group="task")
    drop_duplicates: bool = option(
        False,
        "leave out training and validation images that the test set has too, pixel for pixel",
        group="task",
    )
    max_params: int | None = option(
        None, "cap of trainable parameters", group="task", metavar="N", limits=COUNT, unset="the space's"
    )
    max_macs: int | None = option(
        None, "cap of multiply-adds an image", group="task", metavar="N", limits=COUNT, unset="the space's"
    )
    max_ram: int | None = option(
        None,
        "cap of the int8 network's RAM in TFLM's interpreter: bytes, 32k, 1M",
        group="task",
        metavar="SIZE",
        limits=SIZE,
        parse=parse_size,
        unset="none, or the board's",
    )
    max_flash: int | None = option(
        None,
        "cap of the int8 file: bytes, 32k, 1M",
        group="task",
        metavar="SIZE",
        limits=SIZE,
        parse=parse_size,
        unset="none, or the board's",
    )
    board: str | None = option(
        None,
        "the microcontroller whose memory caps RAM and flash; mnist-tune boards lists them",
        group="task",
        metavar="NAME",
        unset="none",
    )
    workers: int | None = option(
        None,
        "processes",
        metavar="N",
        limits=(1, 1024),
        parse=parse_count_or_auto,
        unset="auto, one a core or four a GPU",
        resumable=True,
    )
    scheduler: str | None = option(
        None, "address of a Dask cluster, such as tcp://10.0.0.1:8786", metavar="ADDRESS", resumable=True
    )
    device: Device = option("auto", "auto, cpu or gpu", metavar="NAME", resumable=True)
    seed: int = option(1, "the same seed gives the same run", metavar="N")
    test: bool = option(True, NO_TEST, group="confirmation")
    trial_timeout: float | None = option(
        None,
        "the longest time of one trial, with its unit: 90s, 10m, 1h30m",
        metavar="TIME",
        limits=LONGEST,
        parse=parse_duration,
    )

    def __post_init__(self) -> None:
        validate(self)
        if self.board is not None:
            self._validate_board(self.board)
        if not 0 < self.validation <= 0.5:
            raise out_of_range("validation", "a share above 0 and up to 0.5", self.validation)
        if self.image_size is not None:
            self._validate_image_size(self.image_size)
        if not 0 <= self.seed <= MAX_SEED:
            raise out_of_range("seed", f"a whole number from 0 to {MAX_SEED}", self.seed)
        if self.scheduler is not None and self.workers is not None:
            raise UsageError("--workers are processes of this machine, --scheduler has its own. Give one of them.")

    def _validate_image_size(self, text: str) -> None:
        try:
            object.__setattr__(self, "image_size", canonical_image_size(text))
        except ValueError as error:
            raise UsageError(f"--image-size is out of range: {error}.") from error

    def _validate_board(self, name: str) -> None:
        try:
            board = find_board(name)
        except ValueError as error:
            raise UsageError(f"--board is unknown. {error} See: mnist-tune boards") from error
        if not board.max_flash and self.max_flash is None:
            raise UsageError(
                f"--board {name} is too small for TFLM's interpreter. Expected more than {RUNTIME_CODE_BYTES:,} bytes of flash for its "
                f"code, beside the program's share. Received: {board.flash:,} bytes. Give --max-flash and --max-ram instead."
            )

    @property
    def ram_cap(self) -> int | None:
        """Return the cap of RAM in bytes: the option's, else the board's."""
        return self.max_ram if self.max_ram is not None or self.board is None else find_board(self.board).max_ram

    @property
    def flash_cap(self) -> int | None:
        """Return the cap of flash in bytes: the option's, else the board's."""
        return self.max_flash if self.max_flash is not None or self.board is None else find_board(self.board).max_flash

    def defaults(self) -> Json:
        """Return the value of each option where it is not given and the others are these; required ones have none."""
        return {field.name: field.default for field in dataclasses.fields(self)}

    def to_json(self) -> Json:
        """Return the options as `run.json` keeps them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Return the options that `to_json` wrote; keys of other versions are ignored."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in document.items() if key in names})
