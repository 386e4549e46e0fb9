"""Configuration of Hemmati et al. 2022: pairs, networks, detection."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

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
    Share,
    Text,
    check_shares,
)
from deblend.errors import DeblendError
from deblend.hemmati2022.cutout_config import PARENT_MIN_PX, CutoutSet
from deblend.training.config import Precision
from pydantic import Field, model_validator

#: Names of the networks, which are folders of their results.
NetworkName = Literal[
    "vanilla", "sr", "sr_content", "sr_l1", "sr_multi", "sr_multi_content", "sr_multi_l1"
]
NETWORK_NAMES: tuple[str, ...] = get_args(NetworkName)


#: Largest shift (pixels) along an axis by the authors' rule: 14 in x and in y, turned by any angle.
AUTHORS_REACH_PX = 20

#: Networks that figures and tables need.
NEEDED_NETWORKS = ("vanilla", "sr")


class LowConfig(Section):
    """The low resolution."""

    psf_fwhm_arcsec: Positive = Field(
        default=0.6, description="Full width at half maximum of the Moffat PSF, arcsec."
    )
    psf_beta: Positive = Field(default=3.0, description="Exponent of the Moffat PSF.")
    depth_mag: Positive = Field(
        default=25.16,
        description="Magnitude of a point source with a signal-to-noise ratio of 5; it "
        "determines the noise.",
    )
    sky_mag_arcsec2: Real | None = Field(
        default=None,
        description="Surface brightness of the sky, AB mag per square arcsec, whose Poisson noise "
        "depth_mag gives; that of the galaxies' light follows from it. null: none.",
    )
    softening_sigma: Positive = Field(
        default=10.0,
        description="Softening of the asinh scales, in units of the noise of each resolution.",
    )


class HemmatiBlendConfig(Section):
    """How blends are made.

    Attributes
    ----------
    separation_sigma_px : float
        Standard deviation of each galaxy's dx and dy, in high-resolution pixels; that of the
        distance of two galaxies along an axis is sqrt(2) times larger. The paper (Sect. 5) says "a
        normal distribution" without a width.
    max_shift_px : int
        Largest |dx| and |dy|: the distributions are truncated there. It is limited by the frame
        (half of 66 px) and by the parent stamps (see
        `deblend.hemmati2022.blends.largest_shift`).
    shares : tuple of float
        The paper has "two or more" galaxies (Sect. 2), but "mainly" two (Sect. 5): (1.0,).
    shift_rule : {"normal", "authors"}
        "authors" is the rule of the authors' code: the first galaxy is in the middle; each other
        one is 0 to 14 px off in x and in y, and the direction is turned with it by its angle.
    any_angle : bool
        Rotations by any angle interpolate the pixels, which smooths the noise. The parent stamps
        have to be larger for them: sqrt(2) times the frame and twice the largest shift.
    """

    shift_rule: Literal["normal", "authors"] = Field(
        default="normal",
        description="Where galaxies are: normal, all normally distributed about the middle; "
        "authors, the first in the middle, and others 0 to 14 px off in x and y, in directions "
        "that are turned by their angles.",
    )
    separation_sigma_px: Positive = Field(
        default=7.0,
        description="Standard deviation of the normal distribution of shifts along each axis, "
        "high-resolution pixels.",
    )
    max_shift_px: Count = Field(
        default=20, description="Largest shift along each axis, high-resolution pixels."
    )
    shares: tuple[NotNegative, ...] = Field(
        default=(1.0,),
        min_length=1,
        description="Shares of blends with 2, 3, ... galaxies; the shares add up to 1.",
    )
    any_angle: Boolean = Field(
        default=True,
        description="Rotate galaxies by any angle from 0 to 180 degrees; false: by quarter turns "
        "and flips.",
    )

    @model_validator(mode="after")
    def _shares_add_up(self) -> "HemmatiBlendConfig":
        check_shares({str(i + 2): share for i, share in enumerate(self.shares)}, "shares")
        if self.shift_rule == "authors" and not self.any_angle:
            raise Problem("false does not go with shift_rule authors: set it to true", "any_angle")
        return self


class Detection(Section):
    """How peaks are searched for and matched.

    The images of a GAN are less sharp than those that it is trained on, and have patterns a few
    pixels wide; real galaxies have clumps. The filter width that finds most validation blends is
    therefore chosen and recorded: among PSFs, to choose an epoch of the training; among both kinds
    of filters, to detect the test blends. The training does not need the widths for the low
    resolution.
    """

    radius_px: Positive = Field(
        default=5.0,
        description="Largest distance between a peak and its galaxy, high-resolution pixels, in "
        "images of high resolution and of networks.",
    )
    low_radius_px: Positive = Field(
        default=10.0,
        description="The same in images of low resolution, high-resolution pixels.",
    )
    false_positive_rate: Real = Field(
        default=0.01,
        gt=0,
        le=0.5,
        description="Share of unblended stamps in which a false peak is detected, one that belongs "
        "to no catalogued galaxy; each detection threshold is set to reach it, on galaxies of the "
        "training half that only the limits of the test keep, or that are held out, and is raised "
        "where more than three times as many validation galaxies or blends have a false peak.",
    )
    fwhm_arcsec: tuple[Annotated[Real, Field(ge=0.05, le=1.0)], ...] = Field(
        default=(0.08, 0.15, 0.21, 0.3, 0.4),
        min_length=1,
        description="Full widths at half maximum of the detection filters to try on images of a"
        " GAN and, in addition to the PSF, on high-resolution images, arcsec. The "
        "one that detects most validation blends is used.",
    )
    low_fwhm_arcsec: tuple[Annotated[Real, Field(ge=0.2, le=2.0)], ...] = Field(
        default=(0.3, 0.45, 0.8, 1.0),
        min_length=1,
        description="The same for low-resolution images, in addition to their PSF, arcsec.",
    )
    peaks: Literal["prominence", "height"] = Field(
        default="prominence",
        description="Significance of a peak: its prominence, the height above the saddle towards a "
        "higher peak, or its height above the sky, both in sigmas of the noise.",
    )
    richardson_lucy_iterations: NonNegativeInteger = Field(
        default=20,
        description="Iterations of the deconvolution by Richardson and Lucy that the networks are "
        "compared with; 0: none.",
    )
    sep_contrasts: tuple[Annotated[Real, Field(gt=0, le=1)], ...] = Field(
        default=(0.0001, 0.001, 0.005, 0.02),
        description="Contrasts (DEBLEND_MINCONT) to try for SExtractor on low-resolution images, "
        "which the networks are compared with; the one that detects most validation blends is "
        "used.",
    )
    bootstrap_resamples: Integer = Field(
        default=200,
        ge=10,
        description="Number of times that galaxies are resampled for the errors of detected "
        "fractions and of false peaks.",
    )


class BlendNumbers(Section):
    """Number of blends of each split.

    There are as many single galaxies, and twice as many as for validation for the thresholds.
    """

    validation: Integer = Field(default=1000, ge=10, description="Number of blends for validation.")
    test: Integer = Field(default=5000, ge=10, description="Number of blends for the test.")


class GanConfig(Section):
    """The networks and how they are trained."""

    filters: Count = Field(default=32, description="Number of filters of the generator.")
    blocks: NonNegativeInteger = Field(
        default=4, description="Number of residual blocks at the low resolution."
    )
    n_latent: Count = Field(
        default=100, description="Length of the noise vector that is the input of the vanilla GAN."
    )
    discriminator_filters: Count = Field(
        default=16, description="Number of filters of the discriminator's first convolution."
    )
    conditional: Boolean = Field(
        default=True,
        description="Whether the discriminator also gets the low-resolution image; that of a "
        "vanilla GAN never does.",
    )
    batch_norm: Boolean = Field(
        default=False,
        description="Whether the super-resolution generators have batch normalization; that of "
        "a vanilla GAN always has it.",
    )
    loss: Literal["minimax", "wasserstein"] = Field(
        default="minimax", description="Adversarial loss."
    )
    content_weight: NotNegative = Field(
        default=0.0,
        description="Weight of the content loss, the mean absolute difference from the true image.",
    )
    adversarial_weight: NotNegative = Field(
        default=1.0,
        description="Weight of the adversarial loss in that of the generator, more than 0: the "
        "networks sr_l1 and sr_multi_l1 have 0, thus no discriminator.",
    )
    warm_up_steps: NonNegativeInteger = Field(
        default=0,
        description="Number of batches over which both learning rates rise linearly from 0; 0: "
        "they are constant.",
    )
    blend_fraction: Share = Field(
        default=0.5, description="Share of blends among the training images."
    )
    epochs: Count = Field(default=200, description="Number of epochs.")
    steps_per_epoch: Count = Field(default=100, description="Number of batches per epoch.")
    batch_size: Count = Field(default=32, description="Number of images per batch.")
    learning_rate: Positive = Field(
        default=0.0005, description="Learning rate of the generator's Adam optimizer."
    )
    discriminator_learning_rate: Positive = Field(
        default=0.0002, description="Learning rate of the discriminator's Adam optimizer."
    )
    precision: Precision = "float32"


class SrConfig(GanConfig):
    """A network and its training."""

    kind: Literal["vanilla", "super_resolution"] = Field(
        description="Input of the generator: noise (vanilla) or low-resolution images "
        "(super_resolution)."
    )

    @model_validator(mode="after")
    def _has_a_loss(self) -> "SrConfig":
        if self.adversarial_weight:
            return self
        if self.kind == "vanilla":
            raise Problem(
                "0 leaves a vanilla GAN without a loss: give more than 0", "adversarial_weight"
            )
        if not self.content_weight:
            raise Problem(
                "0 leaves the network without a loss, since content_weight is 0 too: give more "
                "than 0 for one of them",
                "adversarial_weight",
            )
        return self


class HscPairs(Section):
    """Real images of the same fields, from the ground and from space."""

    folder: Text | None = Field(
        default=None, description="Folder with files hst_NAME.fits and hsc_NAME.fits; null: none."
    )
    hsc_plane: NonNegativeInteger = Field(
        default=2, description="Index of the plane of the HSC cubes that is used, from 0."
    )
    hst_scale_arcsec: Positive = Field(
        default=0.03, description="Pixel scale of the HST images, arcsec per pixel."
    )
    hsc_scale_arcsec: Positive = Field(
        default=0.168, description="Pixel scale of the HSC images, arcsec per pixel."
    )


class VanillaOptions(Section):
    """Options of the vanilla GAN that differ from those of the other networks."""

    epochs: Count | None = Field(default=None, description="As in network; null: the same.")
    batch_size: Count | None = Field(default=None, description="As in network; null: the same.")
    learning_rate: Positive | None = Field(
        default=None, description="As in network; null: the same."
    )
    discriminator_learning_rate: Positive | None = Field(
        default=None, description="As in network; null: the same."
    )


class MultiOptions(Section):
    """Options of the networks with all bands that differ from those of one band."""

    content_weight: NotNegative | None = Field(
        default=None, description="Of sr_multi; null: as in network."
    )
    warm_up_steps: NonNegativeInteger | None = Field(
        default=300, description="As in network; null: the same."
    )
    learning_rate: Positive | None = Field(
        default=None, description="As in network; null: the same."
    )
    discriminator_learning_rate: Positive | None = Field(
        default=None, description="As in network; null: the same."
    )
    filters: Count | None = Field(default=None, description="As in network; null: the same.")


class Hemmati2022(Section):
    """Hemmati et al. 2022, super-resolution."""

    cutouts: dict[Name, CutoutSet] = Field(
        min_length=1, description="Sets of cut-outs by name; the keys depend on the source."
    )
    cutouts_set: Text = Field(
        default="goods_south",
        description="Set that the networks are trained on and that the figures show.",
    )
    low: LowConfig = Field(
        default=LowConfig(), description="PSF and noise of the low-resolution images."
    )
    blending: HemmatiBlendConfig = Field(
        default=HemmatiBlendConfig(), description="How blends are made."
    )
    detection: Detection = Field(
        default=Detection(), description="How peaks are detected and matched with galaxies."
    )
    n_blends: BlendNumbers = Field(
        default=BlendNumbers(),
        description="Number of blends of each split. There are as many stamps of single "
        "galaxies, and twice as many as for validation for the thresholds.",
    )
    network: GanConfig = Field(default=GanConfig(), description="The networks and their training.")
    content_weight: NotNegative = Field(
        default=100.0,
        description="Weight of the content loss, the mean absolute difference from the true "
        "image, for the networks sr_content and sr_l1, and for those of all bands.",
    )
    networks: tuple[NetworkName, ...] = Field(
        default=get_args(NetworkName),
        description="Networks that are trained and compared: from noise (vanilla); of one band "
        "with the loss of network (sr), with content_weight (sr_content) and with that and no "
        "discriminator (sr_l1); the same of all bands (sr_multi, ...), if there are several. "
        "vanilla and sr are needed.",
    )
    multi: MultiOptions = Field(
        default=MultiOptions(),
        description="Options of the networks of all bands, where they differ from network.",
    )
    vanilla: VanillaOptions = Field(
        default=VanillaOptions(),
        description="Options of the network vanilla, which has no low-resolution images to learn "
        "from, where they differ from network.",
    )
    som_shape: tuple[Annotated[Integer, Field(ge=2)], Annotated[Integer, Field(ge=2)]] = Field(
        default=(32, 24), description="Rows and columns of the self-organising map."
    )
    hsc_pairs: HscPairs = Field(
        default=HscPairs(),
        description="Real images of the same fields, from the ground (HSC) and from space (HST).",
    )
    photometry_engine: Literal["auto", "ngmix", "builtin"] = Field(
        default="auto",
        description="Program that fits the fluxes: NGMIX (ngmix), the built-in fitter "
        "(builtin), or NGMIX if it is installed (auto).",
    )
    photometry_profile: Literal["exp_or_dev", "exp", "dev"] = Field(
        default="exp_or_dev",
        description="Profile of the galaxies whose fluxes are fitted: exponential (exp), de "
        "Vaucouleurs (dev), or that of the two which fits a blend better (exp_or_dev).",
    )

    @model_validator(mode="after")
    def _needed_networks_are_there(self) -> "Hemmati2022":
        missing = [name for name in NEEDED_NETWORKS if name not in self.networks]
        if missing or len(set(self.networks)) < len(self.networks):
            raise Problem(
                f"it has to contain {' and '.join(NEEDED_NETWORKS)}, and each network once; it is "
                f"{', '.join(self.networks) or 'empty'}",
                "networks",
            )
        return self

    @model_validator(mode="after")
    def _networks_have_a_loss(self) -> "Hemmati2022":
        if not self.network.adversarial_weight:
            raise Problem(
                "0 leaves the network vanilla without a loss: give more than 0; sr_l1 and "
                "sr_multi_l1 are the networks without an adversarial loss",
                "network",
                "adversarial_weight",
            )
        without = [name for name in self.networks if name.endswith("_l1")]
        if without and not self.content_weight:
            raise Problem(
                f"0 leaves {' and '.join(without)} without a loss: give more than 0, or leave them "
                "out of networks",
                "content_weight",
            )
        return self

    @model_validator(mode="after")
    def _cutouts_set_exists(self) -> "Hemmati2022":
        if self.cutouts_set not in self.cutouts:
            raise Problem(
                f"there is no {self.cutouts_set!r} under cutouts; there are "
                f"{', '.join(self.cutouts)}",
                "cutouts_set",
            )
        return self


def check_cutouts_cover_frames(config: Mapping[str, Any]) -> None:
    """Check that cut-outs are large enough for the shifts and angles of the blends.

    Not a part of the model, since cut-outs can be made without blends.

    Parameters
    ----------
    config : dict
        Values of `Hemmati2022`.

    Raises
    ------
    DeblendError
        They are too small.
    """
    blending, name = config["blending"], config["cutouts_set"]
    parent_px, any_angle = config["cutouts"][name]["parent_px"], blending["any_angle"]
    authors = blending["shift_rule"] == "authors"
    shift = AUTHORS_REACH_PX if authors else blending["max_shift_px"]
    half = PARENT_MIN_PX / 2 + shift
    # At quarter turns, an even side has no central pixel.
    needed = 2 * math.ceil(math.sqrt(2) * half) + 1 if any_angle else int(2 * half) + 2
    if parent_px < needed:
        raise DeblendError(
            f"hemmati2022 > cutouts > {name} > parent_px: {parent_px} px are too few "
            f"for blends with shifts of up to {shift} px and blending > any_angle "
            f"{str(any_angle).lower()}: give {needed} or more, a smaller max_shift_px, or "
            "any_angle: false"
        )
