"""Ready policies: for small gray digits, and for photographs."""

import keras_ssl.views.images.color as color
import keras_ssl.views.images.degradation as degradation
import keras_ssl.views.images.geometry as geometry
from keras_ssl.checks import check_between
from keras_ssl.views.policy import Policy

__all__ = ["digits", "natural_images"]


def digits(
    rotate: float = 15.0,
    translate: float = 0.1,
    scale: tuple[float, float] = (0.85, 1.15),
    shear: float = 10.0,
    noise: float = 0.1,
    erase: float = 0.25,
) -> Policy:
    """Make the policy for small gray digits on black, 8x8 to 28x28: affine, noise, erasing, and no flips.

    Args:
        rotate: Largest rotation in degrees, in either direction. Default: 15.
        translate: Largest shift along each axis as a fraction of the side, in either direction. Default: 0.1.
        scale: Lowest and highest magnification. Default: `(0.85, 1.15)`.
        shear: Largest lean of vertical strokes in degrees, in either direction. Default: 10.
        noise: Largest standard deviation of Gaussian noise; each image draws its own. Default: 0.1.
        erase: Probability that a box of 2% to 20% of the image is filled with black. Default: 0.25.

    Returns:
        A `Policy`.

    Raises:
        UserError: If a number is out of its range.
    """
    check_between("noise", noise, 0, 10)
    check_between("erase", erase, least=0, most=1)
    operations = [
        geometry.affine(rotate, translate, scale, shear),
        degradation.noise((0.0, noise)),
        degradation.erase(area=(0.02, 0.2), probability=erase),
    ]
    return Policy(operations, name="digits")


def natural_images(
    size: int | tuple[int, int],
    scale: tuple[float, float] = (0.08, 1.0),
    strength: float = 1.0,
    flip: float = 0.5,
    jitter: float = 0.8,
    grayscale: float = 0.2,
    blur: float = 0.5,
    solarize: float = 0.1,
) -> Policy:
    """Make SimCLR's policy for photographs, with BYOL's solarization.

    In this order: random resized crop, horizontal flip, color jitter, grayscale, Gaussian blur, solarization.

    Args:
        size: Side of the square views in pixels, or `(height, width)`.
        scale: Lowest and highest area of the crop, as fractions of the image's. Default: `(0.08, 1)`.
        strength: Strength s of the color jitter: brightness, contrast and saturation change by 0.8 s, hue by 0.2 s
            turns. Default: 1, as on ImageNet; SimCLR uses 0.5 on CIFAR-10.
        flip: Probability of a horizontal flip. Default: 0.5.
        jitter: Probability of the color jitter. Default: 0.8.
        grayscale: Probability of losing all color. Default: 0.2.
        blur: Probability of a blur. Default: 0.5; SimCLR uses none on CIFAR-10.
        solarize: Probability of solarization. Default: 0.1, the mean of BYOL's two views.

    Returns:
        A `Policy`. It takes any number of channels; operations on color leave other than three channels unchanged.

    Raises:
        UserError: If a number is out of its range.

    Reference:
        Chen et al., "SimCLR", 2020, appendix A and B.9; solarization: Grill et al., "BYOL", 2020, table 6.

    Example:
        `views.natural_images(32, strength=0.5, blur=0.0, solarize=0.0)` is SimCLR's policy for CIFAR-10.
    """
    check_between("strength", strength, 0, 2.5)
    chances = {"flip": flip, "jitter": jitter, "grayscale": grayscale, "blur": blur, "solarize": solarize}
    for name, chance in chances.items():
        check_between(name, chance, least=0, most=1)
    operations = [
        geometry.random_resized_crop(size, scale),
        geometry.flip(horizontal=flip),
        color.color_jitter(0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength, jitter),
        color.grayscale(grayscale),
        degradation.blur(probability=blur),
        color.solarize(probability=solarize),
    ]
    return Policy(operations, name="natural_images")
