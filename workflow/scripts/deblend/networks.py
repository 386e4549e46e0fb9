"""The networks of Boucaud et al. 2020. Each is one builder function."""

import keras
from keras import layers, ops

from .errors import DeblendError

#: Flux unit of the networks' targets is counts/s; see `FluxScale`.
OUTPUTS = ("linear", "exponential")


@keras.saving.register_keras_serializable(package="deblend")
class AsinhStretch(layers.Layer):
    """Compress the dynamic range of an image: asinh(x / softening) / 3.

    Parameters
    ----------
    softening : float
        In the image's unit (counts/s); about three times the noise.
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
    """Turn the last layer's numbers into fluxes: times a scale, after exp() if asked for.

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
        f, the first layer's filters. 256 is the paper's fiducial network; Table 2 has 64 and 512.
    dense_units : int, optional
        Units of the dense layers; f when absent, as in the paper.
    channels : int
        1 for the blend alone.
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
        The side is no multiple of 16, or a number is not positive.

    References
    ----------
    Boucaud et al. 2020, Sect. 3.1, Fig. 3, Table 2.
    """
    if stamp_size < 16 or stamp_size % 16:
        raise DeblendError(
            f"stamp_size is {stamp_size}: four poolings by 2 need a positive multiple of 16"
        )
    if filters < 1 or flux_scale <= 0:
        raise DeblendError(
            f"filters is {filters} and flux_scale {flux_scale}: both must be positive"
        )
    if output not in OUTPUTS:
        raise DeblendError(f"output is {output!r}; it can be {' or '.join(OUTPUTS)}")
    units = dense_units or filters
    image = keras.Input((stamp_size, stamp_size, channels), name="blend")
    x = image
    if asinh_softening:
        x = AsinhStretch(asinh_softening, name="asinh")(x)
    for i, factor in enumerate((1, 1, 2, 2), start=1):
        x = layers.Conv2D(factor * filters, 3, padding="same", activation="relu", name=f"conv{i}")(
            x
        )
        x = layers.MaxPooling2D(2, name=f"pool{i}")(x)
    x = layers.Conv2D(4 * filters, 3, padding="same", activation="relu", name="conv5")(x)
    x = layers.Flatten(name="flatten")(x)
    for i in (1, 2):
        x = layers.Dense(
            units, activation="selu", kernel_initializer="lecun_normal", name=f"dense{i}"
        )(x)
    x = layers.Dense(2, name="output")(x)
    if flux_scale != 1.0 or output != "linear":
        x = FluxScale(flux_scale, output, name="fluxes")(x)
    return keras.Model(image, x, name="blend2flux")


#: Architectures that a configuration can name.
ARCHITECTURES = {"blend2flux": blend2flux}


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
