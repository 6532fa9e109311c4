"""One picture, decoded, becomes an image of a given size. `picture_files` opens files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tuner.core.pictures import Resize, Size
from tuner.images.limits import DAMAGES, Unreadable

_GREY_MODES = ("1", "L", "LA", "La")
_WHITE = (255, 255, 255, 255)


def resized(picture: Image.Image, size: Size, how: Resize = "crop", grayscale: bool = False) -> NDArray[np.uint8]:
    """Return a picture as an image of a size: (h, w) where it is grey or `grayscale`, else (h, w, 3).

    It is turned as its EXIF tag says, transparent pixels become white, 16 bits become 8. It is shrunk by area and enlarged
    bilinearly.

    Args:
        picture: of any mode and size.
        size: height and width, h and w.
        how: keep the middle of the picture (crop), add black borders (pad), or change the proportions (stretch).
        grayscale: make colour grey by its luma, (299 R + 587 G + 114 B) / 1000.

    Raises:
        OSError, ValueError, SyntaxError: the picture is damaged; others of `tuner.images.limits.DAMAGES` as well.
        Unreadable: its pixels are not finite.
    """
    picture.load()  # raises an error if the picture is damaged; the calls below would accept it
    plain = _plain(upright(picture))
    if grayscale:
        plain = plain.convert("L")
    height, width = size
    return np.asarray(_resized(plain, (width, height), how))


def _plain(picture: Image.Image) -> Image.Image:
    """Return a picture of mode L or RGB, transparent pixels white."""
    picture = eight_bits(picture)
    mode = "L" if picture.mode in _GREY_MODES else "RGB"
    if "transparency" not in picture.info and not picture.mode.endswith(("A", "a")):
        return picture if picture.mode == mode else picture.convert(mode)
    over = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", over.size, _WHITE), over).convert(mode)


def _resized(picture: Image.Image, size: tuple[int, int], how: Resize) -> Image.Image:
    """Return a picture of mode L or RGB with a width and height, which `size` has in Pillow's order."""
    if picture.size == size:
        return picture
    width, height = size
    scales = width / picture.width, height / picture.height
    if how == "crop":
        return ImageOps.fit(picture, size, _filter(max(scales)))
    if how == "pad":
        return ImageOps.pad(picture, size, _filter(min(scales)), color=0 if picture.mode == "L" else (0, 0, 0))
    smaller = (min(width, picture.width), min(height, picture.height))
    return picture.resize(smaller, Image.Resampling.BOX).resize(size, Image.Resampling.BILINEAR)


def _filter(scale: float) -> Image.Resampling:
    return Image.Resampling.BOX if scale <= 1 else Image.Resampling.BILINEAR


def upright(image: Image.Image) -> Image.Image:
    """Return an image turned as its EXIF tag says; a damaged tag is ignored."""
    try:
        return ImageOps.exif_transpose(image)
    except DAMAGES:
        return image.copy()


def eight_bits(image: Image.Image) -> Image.Image:
    """Return an image of 16 or 32 bits a pixel with 8 bits a pixel."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float64)
    if not np.isfinite(values).all():
        raise Unreadable("has pixels that are not finite numbers")
    if image.mode == "F":
        full = 1.0 if values.max() <= 1 else 255.0 if values.max() <= 255 else 65535.0
    else:
        full = 65535.0 if image.mode != "I" or values.max() > 255 else 255.0
    return Image.fromarray(np.clip(np.rint(255 * values / full), 0, 255).astype(np.uint8))
