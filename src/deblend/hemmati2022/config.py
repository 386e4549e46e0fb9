"""Configuration of Hemmati et al. 2022: cut-outs in several bands, pairs, networks, detection."""

from typing import Annotated, Literal

from deblend.config_base import (
    Boolean,
    Count,
    FromZero,
    Integer,
    Name,
    NotNegative,
    Pattern,
    Positive,
    Problem,
    Real,
    Section,
    Share,
    Text,
    check_sum,
    known,
    tag,
)
from deblend.data.config import MoffatBeta, Mosaic, MosaicChecksum, RadiusUnit, TableName
from deblend.training.config import Precision
from pydantic import Discriminator, Field, Tag, model_validator

#: Smallest side (pixels) of cut-outs: they have to cover the frame that is degraded
#: (`deblend.hemmati2022.blends`).
PARENT_MIN_PX = 66

PixelScale = Annotated[Positive, Field(description="Pixel scale, arcsec a pixel.")]
BandName = Annotated[str, Pattern(r"^[a-z0-9_]+$", "letters from a to z, digits and _")]


class AnyBand(Section):
    """Keys of a band, for every source."""

    name: BandName = Field(description="Name of the band.")
    zero_point: Real = Field(description="Zero point, AB mag.")


class SimulatedBand(AnyBand):
    """A band of simulated cut-outs."""

    name: Literal["f435w", "f606w", "f775w", "f814w", "f850lp", "f125w", "f160w"] = Field(
        description="Name of the band."
    )
    depth_mag: Real = Field(
        description="Point source seen at 5 sigma in a radius of 0.17 arcsec, mag; sets the noise."
    )
    psf_fwhm_arcsec: Positive = Field(description="FWHM of the Moffat PSF, arcsec.")


class MeasuredBand(AnyBand):
    """Keys of a band of real images."""

    noise_sigma: NotNegative = Field(description="Noise of a pixel, counts/s.")
    psf: str | None = Field(
        default=None, description="File of a measured PSF; null for a Moffat profile."
    )
    psf_key: str | None = Field(
        default=None,
        description="Name of the array in the file, or number of the FITS extension.",
    )
    psf_pixel_scale_arcsec: Positive | None = Field(
        default=None,
        description="Pixel scale of the measured PSF, arcsec; null for the cut-outs'.",
    )
    psf_fwhm_arcsec: Positive | None = Field(
        default=0.08, description="FWHM of a Moffat PSF, arcsec, where psf is null."
    )


class Plane(Section):
    """Place of a band in stamps with several bands."""

    plane: FromZero | None = Field(
        default=None,
        description="The band's number in the stamps; null for its place in the list.",
    )


class Extension(Section):
    """Place of the image in the file of a mosaic."""

    extension: FromZero = Field(default=0, description="FITS extension of the image.")


class FilesBand(MeasuredBand, Plane):
    """A band of the user's stamps."""


class MosaicBand(MeasuredBand, Extension, MosaicChecksum):
    """A band of a survey."""

    mosaic: Mosaic = Field(
        description="FITS image in counts/s, sky subtracted, with celestial coordinates; path or "
        "https address."
    )


class Band(MeasuredBand, Plane, Extension):
    """A band of the user's stamps, or of mosaics that have been downloaded."""

    mosaic: str | None = Field(default=None, description="Path of the mosaic.")


class Cutouts(Section):
    """Keys of a set of cut-outs, for every source."""

    detection_band: str = Field(
        default="f775w",
        description="Band whose magnitudes count, and in which peaks are looked for.",
    )
    parent_px: Integer = Field(
        default=128, ge=PARENT_MIN_PX, description="Side of the cut-outs, pixels."
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
    mag_min: Real = Field(default=20.0, description="Brightest magnitude.")
    mag_max: Real = Field(default=25.5, description="Faintest magnitude.")
    counts_slope: Positive = Field(
        default=0.3, description="Slope of log10 of the number of galaxies a magnitude."
    )


class Limits(Section):
    """Limits of a split; null for no limit."""

    mag_max: Real | None = Field(
        description="Galaxies are brighter than this in the detection band."
    )
    mag_f160w_max: Real | None = Field(
        default=25.0, description="Galaxies are brighter than this in F160W."
    )
    class_star_max: Real | None = Field(
        default=0.95, description="Galaxies have a lower CLASS_STAR."
    )
    redshift_max: Real | None = Field(default=5.0, description="Galaxies have a lower redshift.")


class Cuts(Section):
    """Selection of galaxies, and their splits."""

    split_dec_deg: Annotated[Real, Field(ge=-90, le=90)] | None = Field(
        default=None, description="Declination between the halves, deg; null for the median."
    )
    train_half: Literal["south", "north"] = Field(
        default="south", description="The half for training."
    )
    validation_share: Real = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the training half, by the galaxy's id, for validation.",
    )
    train: Limits = Field(
        default=Limits(mag_max=24.0), description="Limits of the training half; null for none."
    )
    test: Limits = Field(
        default=Limits(mag_max=25.0), description="Limits of the test half; null for none."
    )


class Selected(Section):
    """Which galaxies of a set of cut-outs are used, and in which split."""

    cuts: Cuts = Field(
        default=Cuts(),
        description="Who is in, and in which split; an unknown redshift, CLASS_STAR or F160W "
        "magnitude is no reason to leave a galaxy out.",
    )


class Catalogued(Section):
    """The catalogue of real cut-outs."""

    columns: dict[str, str | None] = Field(
        description="Our column to the catalogue's: id, and optionally ra, dec, mag or flux (of "
        "the detection band), mag_f160w or flux_f160w, class_star, redshift, half_light_radius, "
        "fwhm, morphology; null for none."
    )
    radius_unit: RadiusUnit = Field(
        default="pix",
        description="Unit of half_light_radius and fwhm where the columns have none.",
    )


class SimulatedCutouts(CutoutSimulatorConfig, Selected):
    """Simulated cut-outs in up to seven bands."""

    source: Literal["simulated"]
    n_galaxies: Integer = Field(
        default=20000, ge=2, description="Galaxies in the catalogue, before cuts."
    )
    chunk_size: Count = Field(default=1000, description="Galaxies of the catalogue a job.")


class FilesCutouts(Cutouts, Catalogued, Selected):
    """The user's stamps in several bands, and their catalogue."""

    source: Literal["files"]
    images: Text = Field(description="Stamps (galaxy, band, y, x): .npy, .npz, .h5 or .fits.")
    images_key: str | None = Field(
        default=None,
        description="Name of the array in the file, or number of the FITS extension.",
    )
    catalog: Text = Field(description="Catalogue, a row a stamp.")
    add_noise: Boolean = Field(default=False, description="Add noise to pixels that are exactly 0.")
    recentre: Boolean = Field(
        default=False,
        description="Cut around the light's centroid instead of the stamp's middle.",
    )
    bands: tuple[FilesBand, ...] = Field(
        min_length=1, description="Bands, in the order of the cut-outs."
    )


class ArchiveCutouts(Cutouts, Catalogued, Selected):
    """Cut-outs from the mosaics of a survey."""

    source: Literal["archive"]
    max_bytes: Count = Field(
        default=5_000_000_000, description="Largest size of a mosaic that is downloaded."
    )
    catalog: TableName = Field(
        description="Catalogue of the galaxies: path, or vizier: and the name of a table there."
    )
    redshift_catalog: TableName | None = Field(
        default=None,
        description="Table of redshifts with the same ids: path, or vizier: and its name there; "
        "null for none.",
    )
    redshift_columns: dict[str, str] = Field(
        default={}, description="Its columns: id and redshift."
    )
    bands: tuple[MosaicBand, ...] = Field(
        min_length=1, description="Bands, in the order of the cut-outs."
    )


CutoutSet = Annotated[
    Annotated[ArchiveCutouts, Tag("<archive>")]
    | Annotated[FilesCutouts, Tag("<files>")]
    | Annotated[SimulatedCutouts, Tag("<simulated>")],
    Discriminator(tag("source")),
    known("source", "archive", "files", "simulated"),
]


class LowConfig(Section):
    """The low resolution."""

    psf_fwhm_arcsec: Positive = Field(
        default=0.6, description="Full width at half maximum of its PSF."
    )
    psf_beta: Positive = Field(default=3.0, description="Shape of its Moffat PSF's wings.")
    depth_mag: Positive = Field(default=26.2, description="Magnitude of a point source at 5 sigma.")
    softening_sigma: Positive = Field(
        default=10.0,
        description="Softening of the asinh scales, in sigmas of each resolution's noise.",
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
    any_angle : bool
        Rotations by any angle interpolate the pixels, which smooths the noise.
    """

    separation_sigma_px: Positive = Field(
        default=7.0,
        description="Width of the normal distribution of shifts along each axis, high-resolution "
        "pixels.",
    )
    max_shift_px: Count = Field(default=20, description="Largest shift, high-resolution pixels.")
    shares: tuple[NotNegative, ...] = Field(
        default=(1.0,),
        min_length=1,
        description="Shares of blends with 2, 3, ... galaxies; they add up to 1.",
    )
    any_angle: Boolean = Field(
        default=False, description="Turn galaxies by any angle, not only quarters."
    )

    @model_validator(mode="after")
    def _shares_add_up(self) -> "HemmatiBlendConfig":
        check_sum({str(i + 2): share for i, share in enumerate(self.shares)}, "shares")
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
        description="Largest distance of a peak from its galaxy, high-resolution pixels.",
    )
    false_positive_rate: Real = Field(
        default=0.01,
        gt=0,
        le=0.5,
        description="Share of unblended validation stamps with a second peak, which sets each "
        "threshold.",
    )
    fwhm_arcsec: tuple[Annotated[Real, Field(ge=0.05, le=1.0)], ...] = Field(
        default=(0.08, 0.15, 0.21, 0.3, 0.4),
        min_length=1,
        description="Widths of the filters that peaks of a GAN's images, and of high resolution "
        "beside its own PSF, are looked for with; the best on validation blends is taken.",
    )
    low_fwhm_arcsec: tuple[Annotated[Real, Field(ge=0.2, le=2.0)], ...] = Field(
        default=(0.3, 0.45, 0.8, 1.0),
        min_length=1,
        description="The same for low resolution, beside its own PSF.",
    )


class BlendNumbers(Section):
    """Number of blends of each split.

    There are as many single galaxies for testing, and twice as many for validation.
    """

    validation: Integer = Field(default=1000, ge=10, description="Number for validation.")
    test: Integer = Field(default=5000, ge=10, description="Number for tests.")


class GanConfig(Section):
    """The networks and how they are trained."""

    filters: Count = Field(default=64, description="Filters of the generator.")
    blocks: FromZero = Field(default=4, description="Residual blocks at the low resolution.")
    n_latent: Count = Field(default=100, description="Length of the vanilla GAN's vector of noise.")
    discriminator_filters: Count = Field(
        default=64, description="Filters of the discriminator's first convolution."
    )
    conditional: Boolean = Field(
        default=True,
        description="The discriminator sees the low-resolution image too; a vanilla GAN's never "
        "does.",
    )
    batch_norm: Boolean = Field(
        default=True,
        description="Batch norm in the super-resolution generators; a vanilla GAN's always has it.",
    )
    loss: Literal["minimax", "wasserstein"] = Field(
        default="minimax", description="Adversarial loss."
    )
    content_weight: NotNegative = Field(
        default=0.0, description="Weight of the mean absolute difference from the true image."
    )
    blend_fraction: Share = Field(
        default=0.5, description="Share of the training images that are blends."
    )
    epochs: Count = Field(default=200, description="Epochs.")
    steps_per_epoch: Count = Field(default=100, description="Batches an epoch.")
    batch_size: Count = Field(default=32, description="Images a batch.")
    learning_rate: Positive = Field(default=0.0002, description="Adam's.")
    discriminator_learning_rate: Positive = Field(
        default=0.0002, description="Adam's of the discriminator."
    )
    precision: Precision = "float32"


class SrConfig(GanConfig):
    """A network and its training."""

    kind: Literal["vanilla", "super_resolution"] = Field(
        description="From noise, or from low-resolution images."
    )


class HscPairs(Section):
    """Real images of the same fields, from the ground and from space."""

    folder: Text | None = Field(default=None, description="With hst_NAME.fits and hsc_NAME.fits.")
    hsc_plane: FromZero = Field(default=2, description="Which plane of the HSC cubes is looked at.")
    hst_scale_arcsec: Positive = Field(default=0.03, description="Pixel scale of the HST images.")
    hsc_scale_arcsec: Positive = Field(default=0.168, description="Pixel scale of the HSC images.")


class Hemmati2022(Section):
    """Hemmati et al. 2022, super-resolution."""

    cutouts: dict[Name, CutoutSet] = Field(
        min_length=1, description="Sets of cut-outs by name; keys depend on the source."
    )
    cutouts_set: Text = Field(
        default="goods_south", description="The set that is trained on and that the figures show."
    )
    low: LowConfig = Field(default=LowConfig(), description="The low resolution.")
    blending: HemmatiBlendConfig = Field(
        default=HemmatiBlendConfig(), description="How blends are made."
    )
    detection: Detection = Field(
        default=Detection(), description="How peaks are looked for and matched."
    )
    n_blends: BlendNumbers = Field(
        default=BlendNumbers(),
        description="Blends of each split, and as many single galaxies, for validation twice as "
        "many.",
    )
    network: GanConfig = Field(
        default=GanConfig(), description="The networks and how they are trained."
    )
    content_weight: NotNegative = Field(
        default=100.0,
        description="Weight of the mean absolute difference from the true image, of the network "
        "sr_content.",
    )
    som_shape: tuple[Annotated[Integer, Field(ge=2)], Annotated[Integer, Field(ge=2)]] = Field(
        default=(32, 24), description="Rows and columns of the self-organising map."
    )
    hsc_pairs: HscPairs = Field(
        default=HscPairs(),
        description="Real images of the same fields, from the ground and from space.",
    )
    photometry_engine: Literal["auto", "ngmix", "builtin"] = Field(
        default="auto", description="What fits fluxes."
    )

    @model_validator(mode="after")
    def _cutouts_set_exists(self) -> "Hemmati2022":
        if self.cutouts_set not in self.cutouts:
            raise Problem(
                f"there is no {self.cutouts_set!r} under cutouts; there are "
                f"{', '.join(self.cutouts)}",
                "cutouts_set",
            )
        return self
