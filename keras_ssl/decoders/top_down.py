"""The way from the coarsest feature map to the finest."""

from collections.abc import Sequence

from keras import layers

from keras_ssl.checks import check_counts
from keras_ssl.typing import Tensor

__all__ = ["top_down"]


def top_down(maps: Sequence[Tensor], width: int = 64, name: str = "top_down") -> Tensor:
    """Merge feature maps of several resolutions into one of the finest resolution, as functional layers.

    Each map goes through a 1x1 convolution; the coarser result, enlarged, is added to it; and a 3x3 convolution with
    ReLU merges them.

    Args:
        maps: Symbolic tensors `(n, height, width, channels)` of known sizes, at least one, in any order.
        width: Channels of the result and of all steps. Default: 64, a quarter of the paper's 256, as the encoders here
            have a quarter of the channels of its ResNet-50.
        name: Prefix of the layers' names. Default: "top_down".

    Returns:
        Symbolic tensor `(n, height, width, channels)`: that of the finest map with `width` channels.

    Raises:
        UserError: If the width is not at least 1.

    Reference:
        Lin et al. 2017, "Feature Pyramid Networks for Object Detection", section 3 and Fig. 3.

    Departures:
        Only the finest level is used, so its 3x3 convolution, and those of the others, stand in the way down, with
        ReLU, as in Ronneberger et al. 2015, "U-Net", section 2. Maps are enlarged bilinearly.
    """
    check_counts(width=width)
    x = None
    for k, fine in enumerate(sorted(maps, key=lambda one: one.shape[1] * one.shape[2]), 1):
        lateral = layers.Conv2D(width, 1, name=f"{name}_lateral_{k}")(fine)
        if x is not None:
            rows, columns = fine.shape[1:3]
            x = layers.Resizing(rows, columns, interpolation="bilinear", name=f"{name}_enlarge_{k}")(x)
            lateral = layers.Add(name=f"{name}_add_{k}")([lateral, x])
        x = layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_merge_{k}")(lateral)
        x = layers.ReLU(name=f"{name}_relu_{k}")(x)
    return x
