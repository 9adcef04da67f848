"""Operations that remove detail: blur, noise, erasing."""

from keras import ops

from keras_ssl.checks import check_between, check_range
from keras_ssl.errors import UserError
from keras_ssl.seeds import SeedStream
from keras_ssl.transforms.masks import block_mask
from keras_ssl.transforms.noise import gaussian_noise
from keras_ssl.typing import Operation
from keras_ssl.views.draws import draw, keep_or_change
from keras_ssl.views.images.layout import sizes, to_nhcw, to_nhwc

__all__ = ["blur", "noise", "erase"]


def blur(sigma: tuple[float, float] = (0.1, 2.0), probability: float = 0.5) -> Operation:
    """Make an operation that blurs with a Gaussian, truncated at a twentieth of the image's side (at least one pixel).

    Args:
        sigma: Lowest and highest standard deviation in pixels. Default: `(0.1, 2)`.
        probability: Probability for each image, in 0..1. Default: 0.5.

    Returns:
        A function `(images, seed)` from `(n, h, w, c)` to the same shape.

    Raises:
        UserError: If a number is out of its range, or later if the size of the images is unknown: crop them first.

    Reference:
        Chen et al., "SimCLR", 2020, appendix A: a kernel of a tenth of the image's side.

    Departures:
        The image is mirrored at its edges. Zero padding would darken them.
    """
    sigma = check_range("sigma", sigma, 1e-2, 1e2)
    check_between("probability", probability, least=0, most=1)

    def smooth(images, seed):
        deviation, chance = draw(seed, images, sigma, (0, 1))
        nhcw = to_nhcw(images)
        blurred = _gaussian(_gaussian(nhcw, deviation, axis=1), deviation, axis=3)
        return to_nhwc(keep_or_change(nhcw, blurred, probability, chance))

    return smooth


def _gaussian(nhcw, deviation, axis):
    # A weighted sum of shifted images has a handful of terms; a matrix product would have as many as pixels.
    size = nhcw.shape[axis]
    if size is None:
        raise UserError("images of a known size, to blur them", f"shape {nhcw.shape}", "crop or resize them first")
    radius = max(1, size // 20)
    padded = ops.pad(nhcw, [(radius, radius) if k == axis else (0, 0) for k in range(4)], mode="symmetric")
    weights = [ops.exp(-0.5 * ops.square(k / deviation)) for k in range(-radius, radius + 1)]
    before = (slice(None),) * axis
    blurred = sum(weight * padded[(*before, slice(k, k + size))] for k, weight in enumerate(weights))
    return blurred / sum(weights)  # not weights / sum: XLA would then compute all that precedes it once for each term


def noise(stddev: tuple[float, float] = (0.0, 0.1), probability: float = 1.0) -> Operation:
    """Make an operation that adds Gaussian noise, with a random strength for each image.

    Args:
        stddev: Lowest and highest standard deviation, in units of the pixel values. Default: `(0, 0.1)`.
        probability: Probability for each image, in 0..1. Default: 1.

    Returns:
        A function `(images, seed)` from `(n, h, w, c)` to the same shape. Values may leave 0..1; a `Policy` clips.

    Raises:
        UserError: If a number is out of its range.
    """
    stddev = check_range("stddev", stddev, 0.0, 10.0)
    check_between("probability", probability, least=0, most=1)

    def add_noise(images, seed):
        stream = SeedStream(seed)
        strength, chance = draw(stream.next(), images, stddev, (0, 1))
        return keep_or_change(images, gaussian_noise(images, strength, stream.next()), probability, chance)

    return add_noise


def erase(
    area: tuple[float, float] = (0.02, 0.33),
    ratio: tuple[float, float] = (0.3, 3.3),
    value: float = 0.0,
    probability: float = 0.5,
) -> Operation:
    """Make an operation that fills one random box of each image.

    Args:
        area: Lowest and highest area of the box, as fractions of the image's, in 0..1. Default: `(0.02, 0.33)`.
        ratio: Lowest and highest width / height of the box. Default: `(0.3, 3.3)`.
        value: Value that fills the box, in 0..1. Default: 0.
        probability: Probability for each image, in 0..1. Default: 0.5.

    Returns:
        A function `(images, seed)` from `(n, h, w, c)` to the same shape.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Zhong et al., "Random Erasing Data Augmentation", 2020.

    Departures:
        The paper fills boxes with random values or the mean; a constant looks like an occluded digit.
    """
    area, ratio = check_range("area", area, 1e-4, 1.0), check_range("ratio", ratio, 1e-2, 1e2)
    check_range("value", (0.0, value), 0.0, 1.0)
    check_between("probability", probability, least=0, most=1)

    def fill_box(images, seed):
        stream = SeedStream(seed)
        count, height, width, _ = sizes(images)
        (chance,) = draw(stream.next(), images, (0, 1))
        hidden = block_mask(count, height, width, area, ratio, stream.next())[..., None]
        return keep_or_change(images, ops.where(hidden, value, images), probability, chance)

    return fill_box
