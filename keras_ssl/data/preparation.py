"""How a picture of any size, with or without transparency, becomes an image of the size that a model takes."""

import dataclasses
from typing import Any

from keras_ssl.names import background, check_fit

__all__ = ["Preparation"]


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How pictures become images of one size. It is kept with a model, so that all that it sees is prepared alike.

    Args:
        fit: "crop" scales a picture to cover the size and crops it at the center, "pad" scales it to fit into the size
            and fills the rest with `background`, "stretch" gives up its proportions. All scale by Pillow's bilinear
            filter, which averages where it makes smaller. Default: "crop".
        background: Color behind transparent pixels and around padded pictures: a name or "#rrggbb", or red, green and
            blue in 0..255. Default: "white". Kept as a tuple of three integers.

    Raises:
        UserError: If one of them is not known.
    """

    fit: str = "crop"
    background: Any = "white"

    def __post_init__(self) -> None:
        check_fit(self.fit)
        object.__setattr__(self, "background", background(self.background))

    def to_json(self) -> dict[str, Any]:
        """Return the arguments, as `load` takes them and as JSON can hold them."""
        return {"fit": self.fit, "background": list(self.background)}

    def resized(self, image: Any, size: tuple[int, int]) -> Any:
        """Return a picture in a size.

        Args:
            image: `PIL.Image.Image` of mode "L", "RGB" or "F" (floats in 0..1).
            size: `(height, width)`.
        """
        from PIL import Image, ImageOps

        wanted, bilinear = size[::-1], Image.Resampling.BILINEAR
        if image.size == wanted:
            return image
        if self.fit == "crop":
            return ImageOps.fit(image, wanted, method=bilinear)
        if self.fit == "stretch":
            return image.resize(wanted, bilinear)
        scale = min(whole / side for whole, side in zip(wanted, image.size))
        inner = tuple(min(max(round(side * scale), 1), whole) for side, whole in zip(image.size, wanted))
        padded = Image.new(image.mode, wanted, self._in_mode(image.mode))
        padded.paste(image.resize(inner, bilinear), tuple((a - b) // 2 for a, b in zip(wanted, inner)))
        return padded

    def _in_mode(self, mode):
        """The background in a mode of Pillow."""
        from PIL import Image

        if mode == "RGB":
            return self.background
        gray: Any = Image.new("RGB", (1, 1), self.background).convert("L").getpixel((0, 0))
        return gray / 255 if mode == "F" else gray
