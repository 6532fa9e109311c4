"""Realistic images of digits: several pens, papers and lights, turned, off centre, small, large. Seeded."""

from __future__ import annotations

import dataclasses
import functools
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tuner.images.digits.strokes import ink_of, random_hand

FONTS = (
    "DejaVuSans",
    "DejaVuSans-Oblique",
    "DejaVuSerif",
    "DejaVuSansMono",
    "STIXGeneral",
    "STIXGeneralItalic",
    "cmr10",
    "cmss10",
)
PENS = {"felt": 0.06, "ballpoint": 0.22, "pencil": 0.5}
"""Pen → the reflectance of its ink, in [0, 1]."""
PAPERS = ("white", "cream", "rough", "ruled", "squared")
LIGHTS = ("flat", "slope", "shadow", "vignette")

Mask = NDArray[np.float64]
"""(h, w): the fraction of each pixel that is ink, in [0, 1]."""


@dataclass(frozen=True)
class Page:
    """The position of a digit on a page, and the conditions of the photograph."""

    size: tuple[int, int] = (320, 320)
    """Height and width in pixels."""
    digit: float = 0.5
    """The digit's longer side as a fraction of the page's shorter one."""
    place: tuple[float, float] = (0.5, 0.5)
    """The digit's centre, down and to the right, as fractions of the free space."""
    turn: float = 0.0
    """Degrees, clockwise."""
    pen: str = "felt"
    paper: str = "white"
    light: str = "flat"
    noise: float = 0.0
    """Standard deviation of the sensor's noise, for light in [0, 1]."""
    white_on_black: bool = False
    jpeg: bool = False


@dataclass(frozen=True)
class Case:
    """A picture and its label."""

    name: str
    label: int
    page: Page
    picture: Image.Image


def font_mask(label: int, font: str, height: int = 160) -> Mask:
    """Return a digit of one of matplotlib's own fonts."""
    return glyph_mask(str(label), font, height)


def glyph_mask(sign: str, font: str, height: int = 160) -> Mask:
    """Return a letter or another sign of one of matplotlib's own fonts."""
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    canvas = Image.new("L", (2 * height, 2 * height), 0)
    ImageDraw.Draw(canvas).text((height // 2, height // 4), sign, fill=255, font=ImageFont.truetype(str(path), height))
    return _cropped(np.asarray(canvas, np.float64) / 255)


def stroke_mask(label: int, random: np.random.Generator) -> Mask:
    """Return a digit of random strokes."""
    return _cropped(ink_of(label, random, random_hand(random)))


def mnist_mask(image: NDArray[np.uint8], scale: int = 8) -> Mask:
    """Return one of MNIST's digits, (28, 28) uint8, enlarged."""
    large = Image.fromarray(image).resize((28 * scale, 28 * scale), Image.Resampling.BICUBIC)
    return _cropped(np.asarray(large, np.float64) / 255)


def _cropped(mask: Mask) -> Mask:
    rows, columns = (np.flatnonzero(mask.max(axis=axis) > 0.02) for axis in (1, 0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def picture_of(mask: Mask, page: Page, random: np.random.Generator) -> Image.Image:
    """Return a digit on a page, as a camera or a scanner gives it (mode RGB)."""
    height, width = page.size
    ink = Image.fromarray(np.rint(255 * mask).astype(np.uint8))
    ink = ink.rotate(-page.turn, Image.Resampling.BICUBIC, expand=True)
    ink = ink.crop(ink.getbbox())
    factor = page.digit * min(page.size) / max(ink.size)
    ink = ink.resize((max(1, round(ink.width * factor)), max(1, round(ink.height * factor))), Image.Resampling.LANCZOS)
    canvas = Image.new("L", (width, height), 0)
    canvas.paste(ink, (round(page.place[1] * (width - ink.width)), round(page.place[0] * (height - ink.height))))
    share = np.asarray(canvas, np.float64)[..., None] / 255
    paper = _paper(page, random)
    pen = np.array((0.9, 0.95, 1.25)) * PENS[page.pen]
    scene = paper * (1 - share) + np.minimum(pen, 1) * share
    scene = scene * _light(page, random)[..., None]
    if page.white_on_black:
        scene = 1 - scene
    scene = scene + random.normal(0.0, page.noise, (height, width, 1)) if page.noise else scene
    picture = Image.fromarray(np.clip(np.rint(255 * scene), 0, 255).astype(np.uint8))
    return _through_jpeg(picture) if page.jpeg else picture


def _paper(page: Page, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the paper, (height, width, 3) in [0, 1]."""
    height, width = page.size
    tint = (0.96, 0.93, 0.84) if page.paper == "cream" else (0.97, 0.97, 0.97)
    sheet = np.tile(np.array(tint), (height, width, 1))
    if page.paper == "rough":
        coarse = Image.fromarray(random.normal(0.93, 0.03, (height // 4 + 1, width // 4 + 1)).astype(np.float32))
        sheet = sheet * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))[..., None]
    step = max(12, height // 8)
    if page.paper in ("ruled", "squared"):
        sheet[step // 2 :: step, :] = (0.72, 0.8, 0.9)
    if page.paper == "squared":
        sheet[:, step // 2 :: step] = (0.72, 0.8, 0.9)
    return sheet


def _light(page: Page, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the brightness of the light at each pixel, (height, width) in [0, 1]."""
    height, width = page.size
    down, right = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    if page.light == "slope":
        angle = random.uniform(0, 2 * np.pi)
        return np.asarray(0.7 + 0.3 * (np.cos(angle) * right + np.sin(angle) * down) / np.sqrt(2))
    if page.light == "vignette":
        return np.asarray(1 - 0.3 * (down**2 + right**2))
    if page.light == "shadow":
        angle = random.uniform(0, 2 * np.pi)
        edge = np.cos(angle) * right + np.sin(angle) * down + random.uniform(-0.4, 0.4)
        return np.asarray(0.95 - 0.45 / (1 + np.exp(-edge / 0.03)))
    return np.ones((height, width))


def _through_jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def random_page(random: np.random.Generator) -> Page:
    """Return a page with any pen, paper and light; turned by up to 15 degrees, the digit a quarter to four fifths of the page."""
    height = int(random.choice([160, 320, 640]))
    return Page(
        size=(height, int(height * random.choice([0.75, 1.0, 1.33]))),
        digit=float(random.uniform(0.25, 0.8)),
        place=(float(random.uniform(0.05, 0.95)), float(random.uniform(0.05, 0.95))),
        turn=float(random.uniform(-15, 15)),
        pen=str(random.choice(list(PENS))),
        paper=str(random.choice(PAPERS)),
        light=str(random.choice(LIGHTS)),
        noise=float(random.choice([0.0, 0.01, 0.025])),
        white_on_black=bool(random.random() < 0.2),
        jpeg=bool(random.random() < 0.5),
    )


def cases(
    count: int, seed: int, kind: str, digits: tuple[NDArray[np.uint8], NDArray[np.int64]] | None = None
) -> Iterator[Case]:
    """Yield pictures of one kind: "font", "strokes" or "mnist" (of `digits`: images (n, 28, 28) and labels, n >= count)."""
    for index in range(count):
        random = np.random.default_rng([seed, index, len(kind)])
        page = random_page(random)
        label = index % 10
        if kind == "font":
            font = FONTS[index // 10 % len(FONTS)]
            name, mask = f"{kind} {font} {label}", font_mask(label, font)
        elif kind == "strokes":
            name, mask = f"{kind} {index}", stroke_mask(label, random)
        else:
            assert digits is not None
            label = int(digits[1][index])
            name, mask = f"{kind} {index}", mnist_mask(digits[0][index])
        yield Case(name, label, page, picture_of(mask, page, random))


def on_a_table(sheet: Image.Image, random: np.random.Generator, turn: float, share: float = 0.6) -> Image.Image:
    """Return a picture of a dark table with the whole sheet on it.

    Args:
        sheet: mode RGB.
        random: where it lies, and how the table looks.
        turn: degrees, counterclockwise.
        share: of the picture's width that the sheet takes.
    """
    laid = sheet.convert("RGBA").rotate(turn, Image.Resampling.BICUBIC, expand=True)
    width, height = int(laid.width / share), int(laid.height / share * random.uniform(0.9, 1.2))
    rough = random.normal(random.uniform(20, 90), random.choice([0, 4, 10]), (height, width, 1))
    table = Image.fromarray(np.clip(rough + np.array((8, 0, -8)), 0, 255).astype(np.uint8))
    free = (width - laid.width, height - laid.height)
    table.paste(laid, tuple(int(random.integers(2, side - 1)) for side in free), laid)  # type: ignore[arg-type]
    return table


def on_tables(count: int, seed: int) -> Iterator[Case]:
    """Yield fonts and strokes on light paper of any kind, the sheet whole on a dark table, any pen and light."""
    for index in range(count):
        random = np.random.default_rng([seed, index, 3])
        page = dataclasses.replace(random_page(random), white_on_black=False)
        label = index % 10
        mask = stroke_mask(label, random) if index % 2 else font_mask(label, FONTS[index // 10 % len(FONTS)])
        turn, share = float(random.uniform(-8, 8)), float(random.uniform(0.35, 0.85))
        yield Case(f"table {index}", label, page, on_a_table(picture_of(mask, page, random), random, turn, share))


@functools.cache
def mnist() -> dict[str, NDArray[np.uint8]] | None:
    """Return MNIST's arrays if `MNIST_TUNE_DATA` names its file, else None."""
    path = os.environ.get("MNIST_TUNE_DATA", "")
    if not path.endswith(".npz") or not Path(path).is_file():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
