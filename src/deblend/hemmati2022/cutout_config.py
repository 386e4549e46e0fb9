"""Configuration of sets of cut-outs in several bands (Hemmati et al. 2022, Sect. 2.1)."""

from typing import Annotated, Literal

from deblend.config_base import (
    Boolean,
    Count,
    Integer,
    NonNegativeInteger,
    NotNegative,
    Pattern,
    Positive,
    Problem,
    Real,
    Section,
    Text,
    check_kind,
    check_order,
    kind_tag,
)
from deblend.data.config import (
    CODED,
    NO_AT,
    ApplySip,
    FileOrAddress,
    ImageExtension,
    ImageUnit,
    KnownNoise,
    MaskBits,
    MoffatBeta,
    MosaicChecksum,
    RadiusUnit,
    StampFiles,
    Weight,
)
from pydantic import Discriminator, Field, Tag, model_validator

#: Smallest side (pixels) of cut-outs: they have to cover the frame that is degraded
#: (`deblend.hemmati2022.blends`).
PARENT_MIN_PX = 66

PixelScale = Annotated[Positive, Field(description="Pixel scale, arcsec per pixel.")]
BandName = Annotated[str, Pattern(r"^[a-z0-9_]+$", "letters from a to z, digits and _")]
#: As `deblend.data.config.TableName`, and addresses as in `deblend.data.config.FileOrAddress`.
TableOrAddress = Annotated[
    str,
    Pattern(
        rf"^{NO_AT}(https://.*[^/]|http://(127\.0\.0\.1|localhost|\[::1\])[:/].*[^/])$"
        r"|^(?!vizier:)(?!.*://).+$|^vizier:[A-Z]+/[A-Za-z0-9+_/-]+$",
        f"a path, an https address of a file, {CODED}, or vizier: and the name of a table at "
        "VizieR, such as vizier:J/ApJS/207/24",
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

    noise_sigma: KnownNoise = None
    unit: ImageUnit = None


class Plane(Section):
    """Place of a band in stamps with several bands."""

    plane: NonNegativeInteger | None = Field(
        default=None,
        description="Index of the band in the array of stamps, from 0; null: its position in "
        "the list of bands.",
    )


class MosaicImage(Section):
    """How the image in the file of a mosaic is read."""

    extension: ImageExtension = 0
    weight: Weight = None
    mask_bits: MaskBits = None
    apply_sip: ApplySip = False


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


class MosaicBand(BandWithPsf, MosaicImage, MosaicChecksum):
    """A band of a survey."""

    mosaic: FileOrAddress = Field(
        description="Path or https address of a FITS image, sky subtracted, with celestial "
        "coordinates."
    )


class Band(MeasuredBand, Plane, MosaicImage):
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
    images: StampFiles = Field(
        description="Stamps: a file (.npy, .npz, .h5 or .fits) with an array (galaxy, band, y, x); "
        "or FITS files (band, y, x) with one stamp each, named by the galaxies' ids: a folder, a "
        "pattern such as stamps/*.fits, where * stands for the id, or a list of files. If they "
        "have different sizes, of at least parent_px, they are cut around their centres."
    )
    images_key: str | None = Field(
        default=None,
        description="Name of the array in the file, or number or name of the FITS extension.",
    )
    mask_bits: MaskBits = None
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
