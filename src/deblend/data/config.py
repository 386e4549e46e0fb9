"""Sources of galaxies in the configuration: the user's stamps, mosaics, catalogues, archives."""

from typing import Annotated, Literal

from deblend.config_base import (
    Boolean,
    Checksum,
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
    Text,
)
from pydantic import Field, model_validator

Band = Annotated[Text, Field(description="Name of the band.")]
PixelScale = Annotated[Positive, Field(description="Pixel scale, arcsec a pixel.")]
ZeroPoint = Annotated[Real, Field(description="AB magnitude of one count per second.")]
NoiseSigma = Annotated[NotNegative, Field(description="Noise of the background a pixel, counts/s.")]
MoffatBeta = Annotated[Real, Field(gt=1.1, description="Exponent of the PSF's Moffat profile.")]
RadiusUnit = Literal["pix", "arcsec"]
#: A path or an address that is downloaded; http for tests on this machine only.
Mosaic = Annotated[
    str,
    Pattern(
        r"^https://.*[^/]$|^http://(127\.0\.0\.1|localhost)[:/].*[^/]$|^(?!.*://).+$",
        "a path or an https address of a file",
    ),
]
#: As the rule that fetches tables has it.
TableName = Annotated[
    str,
    Pattern(
        r"^(?!vizier:)[^:]+$|^vizier:[A-Z]+/[A-Za-z0-9+_/-]+$",
        "a path, or vizier: and the name of a table there, such as vizier:J/ApJS/207/24/goodss",
    ),
]


class Images(Section):
    """What the images of a data set are."""

    band: Band
    pixel_scale_arcsec: PixelScale
    zero_point: ZeroPoint
    noise_sigma: NoiseSigma
    stamp_size: Integer = Field(
        default=128,
        ge=16,
        le=1024,
        multiple_of=16,
        description="Side of the stamps, in pixels; a multiple of 16.",
    )


class Psf(Section):
    """A PSF that images are drawn or redrawn with."""

    psf_fwhm_arcsec: Positive = Field(
        default=0.17, description="Full width at half maximum of the PSF, arcsec."
    )
    psf_moffat_beta: MoffatBeta = 2.5


class Magnitudes(Section):
    """Which galaxies there are, by magnitude."""

    mag_min: Real = Field(default=18.0, description="Brightest magnitude of galaxies.")
    mag_max: Real = Field(default=23.0, description="Faintest magnitude of galaxies.")

    @model_validator(mode="after")
    def _mag_min_is_below(self) -> "Magnitudes":
        if not self.mag_min < self.mag_max:
            raise Problem(f"mag_min {self.mag_min} is not below mag_max {self.mag_max}")
        return self


class FilesConfig(Images):
    """Stamps and a catalogue of the user's own; see `config/README.md`."""

    images: Text = Field(
        description="Stamps: .h5, .npz, .npy or .fits, (galaxy, y, x) or (galaxy, band, y, x)."
    )
    images_key: str | None = Field(
        default=None,
        description="Name of the array in .npz or .h5, extension of FITS; null where there is "
        "only one.",
    )
    plane: FromZero | None = Field(
        default=None, description="Number of the band, from 0, in images of four dimensions."
    )
    segmaps: str | None = Field(
        default=None, description="Segmentation maps of the same shape; null: SEP makes them."
    )
    segmaps_key: str | None = Field(default=None, description="As images_key.")
    catalog: Text = Field(description="Catalogue that astropy reads: .ecsv, .csv, .fits.")
    columns: dict[str, str] = Field(
        description="Our column to the catalogue's: id, mag, half_light_radius, and optionally "
        "ra, dec, redshift, morphology, p_sph, p_disk, p_irr, sersic_n, axis_ratio."
    )
    radius_unit: RadiusUnit = Field(
        default="pix", description="Unit of a radius column that has none."
    )
    add_noise: Boolean = Field(
        default=False, description="Add noise of noise_sigma: for stamps that have none."
    )
    recentre: Boolean = Field(
        default=False,
        description="Cut stamps around the light's centroid instead of the frame's centre.",
    )


class RealGalaxyConfig(Images, Psf):
    """Galaxies of a GalSim RealGalaxyCatalog, at another PSF, pixel scale and noise."""

    catalog: Text = Field(description="The catalogue; the files it names lie beside it.")
    fits_catalog: Text | None = Field(
        description="Its companion with the galaxies' flux_radius; null where it has them itself."
    )


class SkyField(Section):
    """A field of a survey."""

    name: Annotated[Name, Field(description="Name of the field; its galaxies' ids begin with it.")]
    mosaic: Mosaic = Field(
        description="FITS image in counts/s, sky subtracted, with celestial coordinates; path or "
        "https address."
    )
    extension: FromZero = Field(default=0, description="FITS extension of the image.")
    catalog: TableName = Field(
        description="Catalogue of the galaxies: path, or vizier: and the name of a table there."
    )
    columns: dict[str, str] = Field(
        description="Our column to the catalogue's: id, ra, dec, mag, half_light_radius, and "
        "optionally redshift, morphology, p_sph, p_disk, p_irr, sersic_n, axis_ratio."
    )
    radius_unit: RadiusUnit = Field(
        default="arcsec", description="Unit of a radius column that has none."
    )
    morphology: TableName | None = Field(
        default=None,
        description="Catalogue of class probabilities, matched on the sky: path, vizier: and a "
        "name, or null.",
    )
    morphology_columns: dict[str, str] = Field(
        default={}, description="Our column to that of morphology: ra, dec, p_sph, p_disk, p_irr."
    )


class Matching(Section):
    """How galaxies are found in another catalogue."""

    match_radius_arcsec: Positive = Field(
        default=0.5,
        description="Largest distance on the sky between a galaxy and its entry in morphology, "
        "arcsec.",
    )


class FieldConfig(SkyField, Images, Matching):
    """A field of a survey, and what its images are; see `config/README.md`."""


class MosaicChecksum(Section):
    """What a mosaic that is downloaded has to be."""

    checksum: Checksum | None = Field(
        default=None,
        description="sha256:... or md5:... of a mosaic that is downloaded; null takes it as it "
        "comes.",
    )


class SurveyField(SkyField, MosaicChecksum):
    """A field of a survey, with its mosaic and catalogues."""


class Members(Section):
    """Base names of the files in an archive."""

    images: str | None = Field(default=None, description="Stamps.")
    segmaps: str | None = Field(default=None, description="Segmentation maps.")
    catalog: str = Field(description="Catalogue.")


class Archive(Section):
    """An archive that can be downloaded: an entry of config/datasets.yaml."""

    title: str = Field(description="What it is.")
    doi: str | None = Field(
        default=None, description="Digital object identifier; needed where kaggle is not given."
    )
    kaggle: (
        Annotated[
            str,
            Pattern(r"^[a-z0-9][a-z0-9-]*$", "letters from a to z, digits and -"),
        ]
        | None
    ) = Field(
        default=None,
        description="Kaggle competition that has the file, in place of a DOI; it takes the user's "
        "own token.",
    )
    version: str = Field(description="Version of the record.")
    url: Annotated[str, Pattern(r"^https?://", "an https address")] | None = Field(
        default=None,
        description="Address of a mirror of the file, https; without it the DOI is asked.",
    )
    filename: Annotated[str, Pattern("^[^/]+$", "a name without a folder")] = Field(
        description="Name of the file in the record."
    )
    checksum: Checksum | None = Field(
        default=None,
        description="sha256:... or md5:... of the file; without it the record's own. A url needs "
        "one.",
    )
    max_bytes: Count = Field(description="Largest size of the file and of each of its members.")
    members: Members | None = Field(
        default=None,
        description="Base names of the files in the archive; without them it is a zip of JPEGs.",
    )
    columns: dict[str, str] | None = Field(
        default=None,
        description="Our columns to the catalogue's, as for data sets of source files; they need "
        "radius_unit and members.",
    )
    radius_unit: RadiusUnit | None = Field(default=None, description="Unit of the radii.")
    licence: str = Field(description="Terms of use.")
    citation: str = Field(description="What to cite.")

    @model_validator(mode="after")
    def _is_one_record(self) -> "Archive":
        if self.doi is None and self.kaggle is None:
            raise Problem("this key is missing, and kaggle, which may stand for it, too", "doi")
        if self.doi is not None and self.kaggle is not None:
            raise Problem(
                f"{self.kaggle!r} is given beside doi {self.doi!r}: take one of them", "kaggle"
            )
        return self

    @model_validator(mode="after")
    def _has_what_its_keys_need(self) -> "Archive":
        if self.url is not None and self.checksum is None:
            raise Problem("this key is missing: a url needs one", "checksum")
        for name in ("radius_unit", "members"):
            if self.columns is not None and getattr(self, name) is None:
                raise Problem("this key is missing: columns need it", name)
        return self
