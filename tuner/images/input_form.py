"""The images that a model takes, and how pictures are prepared for it. No model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.core.pictures import Resize, Size
from tuner.images.digits.preparation import SIZE
from tuner.images.picture_files import image_of_file
from tuner.images.resizing import resized


@dataclass(frozen=True)
class InputForm:
    """The images that a model takes."""

    image_shape: tuple[int, ...] = (SIZE, SIZE)
    """(h, w) grey, or (h, w, 3) in colour."""
    resize: Resize | None = None
    """The way in which the training images were resized; None: pictures are prepared as MNIST's digits were."""

    @classmethod
    def of(cls, image_shape: tuple[int, ...], *, digits: bool, how: Resize = "crop") -> InputForm:
        """Return the form of a data set's images.

        Args:
            image_shape: (h, w) or (h, w, 3).
            digits: True where the classes are the ten digits. Their preparation makes 28×28 grey pixels, so images of
                another shape are resized.
            how: the way in which the training images were resized.
        """
        return cls() if digits and image_shape == (SIZE, SIZE) else cls(image_shape, how)

    @property
    def digits(self) -> bool:
        """Return whether pictures are prepared as MNIST's digits were."""
        return self.resize is None

    @property
    def words(self) -> str:
        """Return the size as text: 32×48 for a height of 32."""
        return "×".join(map(str, self.image_shape[:2]))

    def of_file(self, file: BinaryIO) -> NDArray[np.uint8]:
        """Return a picture's file as the data set's loader prepares it, (h, w) or (h, w, 3).

        Raises:
            Unreadable: it can't be used; others of `tuner.images.limits.DAMAGES` where it is damaged.
        """
        return self._in_shape(image_of_file(file, self._size, self.resize or "crop", self._grayscale)[0])

    def of_picture(self, picture: Image.Image) -> NDArray[np.uint8]:
        """Return a decoded picture, of any mode and size, as an image of the form."""
        return self._in_shape(resized(picture, self._size, self.resize or "crop", self._grayscale))

    @property
    def _size(self) -> Size:
        height, width = self.image_shape[:2]
        return height, width

    @property
    def _grayscale(self) -> bool:
        return len(self.image_shape) == 2

    def _in_shape(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a grey image for a model of colour as three equal channels."""
        return image if image.ndim == len(self.image_shape) else np.repeat(image[..., None], 3, axis=-1)


DIGITS = InputForm()
"""The form of MNIST's digits."""
