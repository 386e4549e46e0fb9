"""The networks of Boucaud et al. 2020. Each is one builder function."""

from collections.abc import Callable

import keras
from deblend.errors import DeblendError
from keras import layers, ops

#: How the last layer's numbers become fluxes; see `FluxScale`.
OUTPUTS = ("linear", "exponential")

#: After which convolutions of a U-Net's level features are left out.
DROPOUT_AFTER = ("both", "first")


@keras.saving.register_keras_serializable(package="deblend")
class AsinhStretch(layers.Layer):
    """Compress the dynamic range of an image: asinh(x / softening) / 3.

    Parameters
    ----------
    softening : float
        In the image's unit (counts/s); about twice the noise of a blend.
    """

    def __init__(self, softening: float, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.softening = softening

    def call(self, inputs):
        """Stretch a batch of images."""
        return ops.arcsinh(inputs / self.softening) / 3.0

    def get_config(self) -> dict:
        """Configuration for Keras' serialisation."""
        return {**super().get_config(), "softening": self.softening}


@keras.saving.register_keras_serializable(package="deblend")
class FluxScale(layers.Layer):
    """Turn the last layer's numbers, or their exponentials, into fluxes: multiply by a scale.

    Parameters
    ----------
    scale : float
        Flux (counts/s) that an output of 1 (linear) or 0 (exponential) stands for.
    output : {"linear", "exponential"}
    """

    def __init__(self, scale: float, output: str, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.output_kind = output

    def call(self, inputs):
        """Scale a batch of outputs."""
        return self.scale * (ops.exp(inputs) if self.output_kind == "exponential" else inputs)

    def get_config(self) -> dict:
        """Configuration for Keras' serialisation."""
        return {**super().get_config(), "scale": self.scale, "output": self.output_kind}


def blend2flux(
    stamp_size: int = 128,
    *,
    filters: int = 256,
    dense_units: int | None = None,
    channels: int = 1,
    asinh_softening: float | None = None,
    flux_scale: float = 1.0,
    output: str = "linear",
) -> keras.Model:
    """Fluxes of two blended galaxies straight from the image.

    Five 3x3 ReLU convolutions of f, f, 2f, 2f and 4f filters with 2x2 max-pooling between them, two
    dense SELU layers and two outputs: the fluxes of the central galaxy and the companion.

    Parameters
    ----------
    stamp_size : int
        Side of the images, a multiple of 16.
    filters : int
        f, the filters of the first layer: 256 in the paper's fiducial network; Table 2 has 64 and
        512.
    dense_units : int, optional
        Units of the dense layers; f when absent, as in the paper.
    channels : int
        Channels of the input; 1 for the blend alone.
    asinh_softening : float, optional
        Stretch the image first (`AsinhStretch`). The paper feeds the image as it is.
    flux_scale, output : float, {"linear", "exponential"}
        See `FluxScale`; the paper's outputs are linear, in counts/s.

    Returns
    -------
    keras.Model
        From (n, stamp_size, stamp_size, channels) to (n, 2), counts/s.

    Raises
    ------
    DeblendError
        The side is not a multiple of 16, or a number is not positive.

    References
    ----------
    Boucaud et al. 2020, Sect. 3.1, Fig. 3, Table 2.
    """
    _check_size(stamp_size, 4)
    image = keras.Input((stamp_size, stamp_size, channels), name="blend")
    x = image
    if asinh_softening:
        x = AsinhStretch(asinh_softening, name="asinh")(x)
    fluxes = _flux_layers(x, filters, dense_units, flux_scale, output)
    return keras.Model(image, fluxes, name="blend2flux")


def _check_size(stamp_size: int, n_poolings: int) -> None:
    step = 2**n_poolings
    if stamp_size < step or stamp_size % step:
        raise DeblendError(
            f"stamp_size is {stamp_size}: {n_poolings} poolings by 2 need a positive multiple of "
            f"{step}"
        )


def _flux_layers(
    x: keras.KerasTensor, filters: int, dense_units: int | None, flux_scale: float, output: str
) -> keras.KerasTensor:
    """The convolutional and dense layers of blend2flux, from a (stretched) image to two fluxes."""
    if filters < 1 or flux_scale <= 0:
        raise DeblendError(
            f"filters is {filters} and flux_scale {flux_scale}: both must be positive"
        )
    if output not in OUTPUTS:
        raise DeblendError(f"output is {output!r}; it can be {' or '.join(OUTPUTS)}")
    for i, factor in enumerate((1, 1, 2, 2), start=1):
        x = layers.Conv2D(factor * filters, 3, padding="same", activation="relu", name=f"conv{i}")(
            x
        )
        x = layers.MaxPooling2D(2, name=f"pool{i}")(x)
    x = layers.Conv2D(4 * filters, 3, padding="same", activation="relu", name="conv5")(x)
    x = layers.Flatten(name="flatten")(x)
    for i in (1, 2):
        x = layers.Dense(
            dense_units or filters,
            activation="selu",
            kernel_initializer="lecun_normal",
            name=f"dense{i}",
        )(x)
    x = layers.Dense(2, name="output")(x)
    if flux_scale != 1.0 or output != "linear":
        x = FluxScale(flux_scale, output, name="fluxes")(x)
    return x


def unet(
    stamp_size: int = 128,
    *,
    filters: int = 32,
    depth: int = 5,
    dropout: float = 0.2,
    dropout_after: str = "both",
    asinh_softening: float | None = None,
    overlap_channel: bool = False,
) -> keras.Model:
    """Masks of two blended galaxies: a U-Net.

    `depth` levels of two 3x3 ReLU convolutions, of f, 2f, 4f ... filters, with 2x2 max-pooling on
    the way down, 3x3 transposed convolutions of stride 2 and copies of the same level (skip
    connections) on the way up, and a sigmoid for each mask.

    Parameters
    ----------
    stamp_size : int
        Side of the images, a multiple of 2**(depth - 1).
    filters : int
        f, the filters of the first level.
    depth : int
        Levels, the lowest one included.
    dropout : float
        Share of features left out in training.
    dropout_after : {"both", "first"}
        Leave features out after both convolutions of a level, as in the authors' code, or between
        them only. The paper does not mention dropout.
    asinh_softening : float, optional
        Stretch the image first (`AsinhStretch`). The paper feeds the image as it is.
    overlap_channel : bool
        Predict a third mask, of the pixels of both galaxies, as in the authors' code.

    Returns
    -------
    keras.Model
        From (n, stamp_size, stamp_size, 1) to (n, stamp_size, stamp_size, 2 or 3): probabilities of
        the central galaxy, the companion (and both).

    Raises
    ------
    DeblendError
        The side does not fit the depth, or a number is out of range.

    References
    ----------
    Boucaud et al. 2020, Sect. 3.2, Fig. 4; Ronneberger et al. 2015.
    """
    if depth < 2 or filters < 1 or not 0 <= dropout < 1:
        raise DeblendError(
            f"depth is {depth}, filters {filters}, dropout {dropout}: a U-Net needs two levels, a "
            "filter and a dropout below 1"
        )
    if dropout_after not in DROPOUT_AFTER:
        raise DeblendError(
            f"dropout_after is {dropout_after!r}; it can be {' or '.join(DROPOUT_AFTER)}"
        )
    _check_size(stamp_size, depth - 1)

    def level(x: keras.KerasTensor, n_filters: int, name: str) -> keras.KerasTensor:
        for i in (1, 2):
            x = layers.Conv2D(
                n_filters, 3, padding="same", activation="relu", name=f"{name}_conv{i}"
            )(x)
            if dropout and (i == 1 or dropout_after == "both"):
                x = layers.Dropout(dropout, name=f"{name}_dropout{i}")(x)
        return x

    image = keras.Input((stamp_size, stamp_size, 1), name="blend")
    x = image
    if asinh_softening:
        x = AsinhStretch(asinh_softening, name="asinh")(x)
    copies = []
    for i in range(depth - 1):
        x = level(x, filters * 2**i, f"down{i + 1}")
        copies.append(x)
        x = layers.MaxPooling2D(2, name=f"pool{i + 1}")(x)
    x = level(x, filters * 2 ** (depth - 1), "bottom")
    for i in reversed(range(depth - 1)):
        n_filters = filters * 2**i
        x = layers.Conv2DTranspose(
            n_filters, 3, strides=2, padding="same", name=f"up{i + 1}_transposed"
        )(x)
        x = layers.Concatenate(name=f"up{i + 1}_copy")([copies[i], x])
        x = level(x, n_filters, f"up{i + 1}")
    n_masks = 3 if overlap_channel else 2
    masks = layers.Conv2D(n_masks, 1, activation="sigmoid", name="masks")(x)
    return keras.Model(image, masks, name="unet")


def blend2mask2flux(
    stamp_size: int = 128,
    *,
    unet_options: dict | None = None,
    filters: int = 159,
    dense_units: int | None = None,
    asinh_softening: float | None = None,
    flux_scale: float = 1.0,
    output: str = "linear",
) -> keras.Model:
    """Masks and fluxes of two blended galaxies: a U-Net, then a flux network that sees its masks.

    The flux network takes the blend and the two masks of probabilities. Thresholded masks would
    pass no gradient to the U-Net.

    Parameters
    ----------
    stamp_size : int
    unet_options : dict
        Arguments of `unet`; its masks of central and companion are used.
    filters, dense_units, asinh_softening, flux_scale, output
        Arguments of the flux network, see `blend2flux`. With 159 filters the joint network has 18.5
        million parameters, as in the paper.

    Returns
    -------
    keras.Model
        From (n, stamp_size, stamp_size, 1) to a dict of "masks", as `unet` makes them, and
        "fluxes" (n, 2), counts/s. The U-Net is its layer "unet".

    References
    ----------
    Boucaud et al. 2020, Sect. 3.2.
    """
    _check_size(stamp_size, 4)
    segmentation = unet(stamp_size, **(unet_options or {}))
    image = keras.Input((stamp_size, stamp_size, 1), name="blend")
    masks = segmentation(image)
    x = image
    if asinh_softening:
        x = AsinhStretch(asinh_softening, name="asinh")(x)
    galaxy_masks = masks[..., :2] if segmentation.output.shape[-1] > 2 else masks
    x = layers.Concatenate(name="blend_and_masks")([x, galaxy_masks])
    fluxes = _flux_layers(x, filters, dense_units, flux_scale, output)
    return keras.Model(image, {"masks": masks, "fluxes": fluxes}, name="blend2mask2flux")


#: Architectures that a configuration can name.
ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    "blend2flux": blend2flux,
    "unet": unet,
    "blend2mask2flux": blend2mask2flux,
}


#: Targets that each architecture is trained on.
TARGETS = {
    "blend2flux": ("fluxes",),
    "unet": ("masks",),
    "blend2mask2flux": ("masks", "fluxes"),
}


def build(architecture: str, stamp_size: int, options: dict) -> keras.Model:
    """Build a network by its configured name.

    Raises
    ------
    DeblendError
        There is no such architecture.
    """
    if architecture not in ARCHITECTURES:
        raise DeblendError(
            f"architecture is {architecture!r}; it can be {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[architecture](stamp_size, **options)
