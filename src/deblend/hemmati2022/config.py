"""Configuration of Hemmati et al. 2022: cut-outs in several bands, pairs, networks, detection."""

from typing import Annotated, Literal, get_args

from deblend.config_base import (
    Boolean,
    Count,
    Integer,
    Name,
    NonNegativeInteger,
    NotNegative,
    Pattern,
    Positive,
    Problem,
    Real,
    Section,
    Share,
    Text,
    check_kind,
    check_order,
    check_shares,
    kind_tag,
)
from deblend.data.config import FileOrAddress, MoffatBeta, MosaicChecksum, RadiusUnit
from deblend.training.config import Precision
from pydantic import Discriminator, Field, Tag, model_validator

#: Names of the networks, which are folders of their results.
NetworkName = Literal[
    "vanilla", "sr", "sr_content", "sr_l1", "sr_multi", "sr_multi_content", "sr_multi_l1"
]
NETWORK_NAMES: tuple[str, ...] = get_args(NetworkName)


#: Networks that figures and tables need.
NEEDED_NETWORKS = ("vanilla", "sr")

#: Smallest side (pixels) of cut-outs: they have to cover the frame that is degraded
#: (`deblend.hemmati2022.blends`).
PARENT_MIN_PX = 66

PixelScale = Annotated[Positive, Field(description="Pixel scale, arcsec per pixel.")]
BandName = Annotated[str, Pattern(r"^[a-z0-9_]+$", "letters from a to z, digits and _")]
#: As `deblend.data.config.TableName`, and addresses as in `deblend.data.config.FileOrAddress`.
TableOrAddress = Annotated[
    str,
    Pattern(
        r"^https://.*[^/]$|^http://(127\.0\.0\.1|localhost|\[::1\])[:/].*[^/]$"
        r"|^(?!vizier:)(?!.*://).+$|^vizier:[A-Z]+/[A-Za-z0-9+_/-]+$",
        "a path, an https address of a file, or vizier: and the name of a table at VizieR, such as "
        "vizier:J/ApJS/207/24",
    ),
]


class AnyBand(Section):
    """Keys of a band, for every source."""

    name: BandName = Field(description="Name of the band.")
    zero_point: Real = Field(description="Zero point, AB mag.")


class BandPsf(AnyBand):
    """Keys of the PSF of a band."""

    psf: str | None = Field(
        default=None,
        description="Measured PSF: a file, or the name of an entry of config/datasets.yaml; null: "
        "a Moffat profile with psf_fwhm_arcsec.",
    )
    psf_key: str | None = Field(
        default=None,
        description="Name of the array in the file, or number of the FITS extension.",
    )
    psf_pixel_scale_arcsec: Positive | None = Field(
        default=None,
        description="Pixel scale of the measured PSF, arcsec per pixel; null: as the cut-outs.",
    )
    psf_fwhm_arcsec: Positive | None = Field(
        default=None,
        description="Full width at half maximum of the Moffat PSF, arcsec; required if psf is "
        "null.",
    )


class SimulatedBand(BandPsf):
    """A band of simulated cut-outs."""

    name: Literal["f435w", "f606w", "f775w", "f814w", "f850lp", "f125w", "f160w"] = Field(
        description="Name of the band."
    )
    depth_mag: Real = Field(
        description="Magnitude of a point source with a signal-to-noise ratio of 5 in an "
        "aperture with a radius of 0.17 arcsec; it determines the noise."
    )
    psf_fwhm_arcsec: Positive = Field(
        description="Full width at half maximum of the Moffat PSF, arcsec; with a measured psf it "
        "only serves to convert depth_mag to noise."
    )
    exposure_s: Positive | None = Field(
        default=None,
        description="Exposure time, s, for the Poisson noise of the galaxies' light, whose "
        "variance is that light (electrons/s, gain 1) over the time; null: none.",
    )


class MeasuredBand(BandPsf):
    """Keys of a band of real images."""

    noise_sigma: NotNegative = Field(
        description="Standard deviation of the noise in a pixel, counts/s."
    )


class Plane(Section):
    """Place of a band in stamps with several bands."""

    plane: NonNegativeInteger | None = Field(
        default=None,
        description="Index of the band in the array of stamps, from 0; null: its position in "
        "the list of bands.",
    )


class Extension(Section):
    """Place of the image in the file of a mosaic."""

    extension: NonNegativeInteger = Field(default=0, description="FITS extension of the image.")


class BandWithPsf(MeasuredBand):
    """A band of real images whose PSF is given, as a file or as a width."""

    @model_validator(mode="after")
    def _has_a_psf(self) -> "BandWithPsf":
        if self.psf is None and self.psf_fwhm_arcsec is None:
            raise Problem(
                f"band {self.name} has no PSF: give psf (a file) or psf_fwhm_arcsec (the width of "
                "a Moffat profile)"
            )
        return self


class FilesBand(BandWithPsf, Plane):
    """A band of the user's stamps."""


class MosaicBand(BandWithPsf, Extension, MosaicChecksum):
    """A band of a survey."""

    mosaic: FileOrAddress = Field(
        description="Path or https address of a FITS image in counts/s, sky subtracted, with "
        "celestial coordinates."
    )


class Band(MeasuredBand, Plane, Extension):
    """A band of the user's stamps, or of mosaics that have been downloaded."""

    mosaic: str | None = Field(default=None, description="Path of the mosaic.")


class Cutouts(Section):
    """Keys of a set of cut-outs, for every source."""

    detection_band: str = Field(
        default="f775w",
        description="Band of the galaxies' magnitudes and of the detection of peaks.",
    )
    parent_px: Integer = Field(
        default=152, ge=PARENT_MIN_PX, description="Side length of the cut-outs, pixels."
    )
    pixel_scale_arcsec: PixelScale
    psf_moffat_beta: MoffatBeta = 2.5
    bands: tuple[AnyBand, ...] = Field(
        min_length=1, description="Bands, in the order of the cut-outs."
    )

    @model_validator(mode="after")
    def _band_names_are_unique(self) -> "Cutouts":
        names = [band.name for band in self.bands]
        if len(set(names)) < len(names):
            raise Problem(f"names have to be unique; they are {', '.join(names)}", "bands")
        if self.detection_band not in names:
            raise Problem(
                f"{self.detection_band!r} is not among the bands {', '.join(names)}",
                "detection_band",
            )
        return self


class CutoutConfig(Cutouts):
    """Options of cut-outs from files and mosaics; see `config/config.yaml`."""

    bands: tuple[Band, ...] = Field(
        min_length=1, description="Bands, in the order of the cut-outs."
    )


class CutoutSimulatorConfig(Cutouts):
    """Options of simulated cut-outs; see `config/config.yaml` for the sources of the values."""

    pixel_scale_arcsec: PixelScale = 0.06
    bands: tuple[SimulatedBand, ...] = Field(
        min_length=1, description="Bands, in the order of the cut-outs."
    )
    mag_min: Real = Field(default=20.0, description="Magnitude of the brightest galaxies.")
    mag_max: Real = Field(default=25.5, description="Magnitude of the faintest galaxies.")
    counts_slope: Positive = Field(
        default=0.3, description="Slope of log10 of the number of galaxies per magnitude."
    )
    neighbours_per_arcmin2: NotNegative = Field(
        default=64.0,
        description="Number of other galaxies per square arcmin, from mag_min to mag_max, at "
        "random positions in the cut-outs.",
    )

    _magnitudes_are_ordered = model_validator(mode="after")(check_order("mag_min", "mag_max"))


class Limits(Section):
    """Limits of a split; null for no limit."""

    mag_max: Real | None = Field(
        description="Faintest magnitude in the detection band; null: no limit."
    )
    mag_f160w_max: Real | None = Field(
        default=25.0, description="Faintest magnitude in F160W; null: no limit."
    )
    class_star_max: Real | None = Field(
        default=0.95, description="Largest CLASS_STAR of SExtractor; null: no limit."
    )
    redshift_max: Real | None = Field(default=5.0, description="Largest redshift; null: no limit.")


class Cuts(Section):
    """Selection of galaxies, and their splits."""

    split_dec_deg: Annotated[Real, Field(ge=-90, le=90)] | None = Field(
        default=None,
        description="Declination that separates the halves of the field, deg; null: the median.",
    )
    train_half: Literal["south", "north"] = Field(
        default="south", description="The half of the field that is used for training."
    )
    validation_share: Real = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the training half that is used for validation; the ids determine "
        "the galaxies.",
    )
    redshift_min: Real | None = Field(
        default=None, description="Lowest redshift in both halves; null: no limit."
    )
    fwhm_min_px: NotNegative | None = Field(
        default=None,
        description="Smallest FWHM of the catalogue in both halves, pixels; null: no limit.",
    )
    fwhm_max_px: Positive | None = Field(
        default=None,
        description="Largest FWHM of the catalogue in both halves, pixels; null: no limit.",
    )
    max_off_centre_px: NotNegative | None = Field(
        default=None,
        description="Largest distance along each axis of the brightest pixel in the middle of a "
        "cut-out (80 px a side, detection band) from that of the galaxy, pixels; null: no limit.",
    )
    train: Limits = Field(default=Limits(mag_max=24.0), description="Limits of the training half.")
    test: Limits = Field(default=Limits(mag_max=25.0), description="Limits of the test half.")


class Selected(Section):
    """Which galaxies of a set of cut-outs are used, and in which split."""

    cuts: Cuts = Field(
        default=Cuts(),
        description="Which galaxies are used, and in which split. A galaxy whose redshift, "
        "CLASS_STAR, F160W magnitude or FWHM is unknown is not excluded by the limits of "
        "that quantity; negative redshifts are unknown ones.",
    )


class Catalogued(Section):
    """The catalogue of real cut-outs."""

    columns: dict[str, str | None] = Field(
        description="Name of the catalogue's column for each of the workflow's: id, and "
        "optionally ra, dec, mag or flux (of the detection band), mag_f160w or "
        "flux_f160w, class_star, redshift, half_light_radius, fwhm, morphology; "
        "null: none."
    )
    radius_unit: RadiusUnit = Field(
        default="pix",
        description="Unit of half_light_radius and fwhm if the catalogue does not state it.",
    )


class SimulatedCutouts(CutoutSimulatorConfig, Selected):
    """Simulated cut-outs in up to seven bands."""

    source: Literal["simulated"]
    n_galaxies: Integer = Field(
        default=20000, ge=2, description="Number of galaxies in the catalogue, before cuts."
    )
    chunk_size: Count = Field(default=1000, description="Number of galaxies per job.")


class FilesCutouts(Cutouts, Catalogued, Selected):
    """The user's stamps in several bands, and their catalogue."""

    source: Literal["files"]
    images: Text = Field(
        description="File of the stamps: .npy, .npz, .h5 or .fits, with an array (galaxy, band,"
        " y, x)."
    )
    images_key: str | None = Field(
        default=None,
        description="Name of the array in the file, or number of the FITS extension.",
    )
    catalog: Text = Field(description="Catalogue with one row per stamp.")
    add_noise: Boolean = Field(default=False, description="Add noise to pixels that are exactly 0.")
    recentre: Boolean = Field(
        default=False,
        description="Centre each cut-out on the centroid of the light, not on the centre of the"
        " stamp.",
    )
    bands: tuple[FilesBand, ...] = Field(
        min_length=1, description="Bands, in the order of the cut-outs."
    )


class ArchiveCutouts(Cutouts, Catalogued, Selected):
    """Cut-outs from the mosaics of a survey."""

    source: Literal["archive"]
    max_bytes: Count = Field(
        default=5_000_000_000, description="Largest size of a mosaic that is downloaded, bytes."
    )
    catalog: TableOrAddress = Field(
        description="Catalogue of the galaxies: a path, an https address, or vizier: and the name "
        "of a table at VizieR."
    )
    offset_arcsec: tuple[Real, Real] = Field(
        default=(0.0, 0.0),
        description="Added to the catalogue's ra (in the coordinate, not in the angle on the sky) "
        "and dec, arcsec, to get positions in the coordinates of the mosaics.",
    )
    redshift_catalog: TableOrAddress | None = Field(
        default=None,
        description="Table of redshifts with the same ids: a path, an https address, or vizier: "
        "and the name of a table at VizieR; null: none.",
    )
    neighbour_mag_max: Real | None = Field(
        default=None,
        description="Faintest magnitude in the detection band of the catalogue's other sources in "
        "a cut-out, at which a peak is not false; null: all, also those without a magnitude.",
    )
    redshift_columns: dict[str, str] = Field(
        default={}, description="Names of the columns id and redshift in the table of redshifts."
    )
    bands: tuple[MosaicBand, ...] = Field(
        min_length=1, description="Bands, in the order of the cut-outs."
    )


CutoutSet = Annotated[
    Annotated[ArchiveCutouts, Tag("<archive>")]
    | Annotated[FilesCutouts, Tag("<files>")]
    | Annotated[SimulatedCutouts, Tag("<simulated>")],
    Discriminator(kind_tag("source")),
    check_kind("source", "archive", "files", "simulated"),
]


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
        "training half that only the limits of the test keep.",
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
