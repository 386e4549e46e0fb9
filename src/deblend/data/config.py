"""Configuration of the sources of galaxies: the user's stamps, mosaics, catalogues, archives."""

from typing import Annotated, Any, Literal

from deblend.config_base import (
    UNKNOWN,
    Boolean,
    Checksum,
    Count,
    Integer,
    KnownOrNotChecksum,
    Name,
    NonNegativeInteger,
    NotNegative,
    Pattern,
    Positive,
    Problem,
    Real,
    Section,
    Text,
    check_order,
    display_value,
)
from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

Band = Annotated[Text, Field(description="Name of the band.")]
PixelScale = Annotated[Positive, Field(description="Pixel scale, arcsec per pixel.")]
ZeroPoint = Annotated[Real, Field(description="Zero point: AB magnitude of one count per second.")]
NoiseSigma = Annotated[
    NotNegative,
    Field(description="Standard deviation of the background noise in a pixel, counts/s."),
]
#: Of the user's images, where it need not be given.
KnownNoise = Annotated[
    NotNegative | None,
    Field(
        description="Standard deviation of the background noise in a pixel, counts/s; null: it is "
        "measured. A warning says if that of the images differs."
    ),
]
NoiseKind = Annotated[
    Literal["white", "correlated"],
    Field(
        description="Background noise that is simulated: white, or correlated between pixels as "
        "in CANDELS mosaics (config/noise.yaml)."
    ),
]
MoffatBeta = Annotated[Real, Field(gt=1.1, description="Exponent of the PSF's Moffat profile.")]
RadiusUnit = Literal["pix", "arcsec"]
#: Addresses have no @ behind the host: what is before one may belong to a password.
NO_AT = "(?!.*://[^/?#]*[/?#].*@)"
CODED = "with %40 for each @ behind the host, and %2F for / before it"
#: A path, or an address to download from; http only for tests on this machine.
FileOrAddress = Annotated[
    str,
    Pattern(
        rf"^{NO_AT}(https://.*[^/]|http://(127\.0\.0\.1|localhost|\[::1\])[:/].*[^/]|(?!.*://).+)$",
        f"a path or an https address of a file, {CODED}",
    ),
]
ImageUnit = Annotated[
    Text | None,
    Field(
        description="Unit of the pixels, such as counts/s, electrons or nJy, instead of that of the"
        " FITS header; null: that of the header (BUNIT), or counts/s. They are converted to"
        " counts/s."
    ),
]


def _is_extension(value: Any) -> Any:
    """Check the number or name of an extension; errors of unions do not speak of either."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not is_number and not (isinstance(value, str) and value):
        raise Problem(f"{display_value(value)} is neither the number nor the name of an extension")
    return value


#: Number or name of a FITS extension.
ImageExtension = Annotated[
    NonNegativeInteger | Text,
    BeforeValidator(_is_extension),
    Field(
        description="Number or name of the FITS extension of the image; 0 with a primary extension"
        " without data: the only image that is no mask, weight or variance."
    ),
]
MaskBits = Annotated[
    tuple[NonNegativeInteger | Text, ...] | None,
    Field(
        description="Flags of a mask (extension MASK, MSK or BPM) or data-quality plane (DQ) in "
        "the file of an image whose pixels have no data: values, such as 1 and 4096, and names "
        "that the mask's header has, such as SAT. null: of DQ the usual ones, 1, 2, 4, 8, 16, 128, "
        "256, 4096 and 8192 (of JWST 1), of HSC's and Rubin's masks NO_DATA, of other masks "
        "all. []: none."
    ),
]
Weight = Annotated[
    FileOrAddress | None,
    Field(
        description="Path or https address of a FITS image of the mosaic's weights: pixels whose "
        "weight is not above 0 have no data. null: the mosaic's own extensions, if it has any, "
        "say where there are no data, or NaN and blocks of pixels that are exactly 0."
    ),
]
ApplySip = Annotated[
    Boolean,
    Field(
        description="Apply SIP distortion terms of the header although its CTYPE does not end with"
        " -SIP; in drizzled mosaics they are those of the exposures, and wrong."
    ),
]
#: Names as in the rules that fetch tables from VizieR and unpack those of archives.
TableName = Annotated[
    str,
    Pattern(
        r"^[^:]+$|^vizier:[A-Z]+/[A-Za-z0-9+_/-]+$|^archive:[a-z0-9_]+/[^:/]+$",
        "a path, or vizier: and the name of a table at VizieR, such as vizier:J/ApJS/207/24, or "
        "archive: with an entry of config/datasets.yaml and a file in it, such as "
        "archive:vanderwel2012/goodss_3dhst.v4.1_f160w.galfit",
    ),
]


StampSize = Annotated[
    Integer,
    Field(
        ge=16,
        le=1024,
        multiple_of=16,
        description="Side length of the stamps, in pixels; a multiple of 16.",
    ),
]


class AnyImages(Section):
    """Properties of the images of a data set, but for their noise and size."""

    band: Band
    pixel_scale_arcsec: PixelScale
    zero_point: ZeroPoint


class Images(AnyImages):
    """Properties of the images of a data set."""

    noise_sigma: NoiseSigma
    stamp_size: StampSize = 128


class OwnImages(AnyImages):
    """Properties of the user's images, of which the noise can be measured."""

    noise_sigma: KnownNoise = None
    stamp_size: StampSize = 128


class PsfImage(Section):
    """An image of the point spread function (PSF) of images that are given."""

    psf: Text | None = Field(
        default=None,
        description="FITS file of the PSF, that of a star at the images' pixel scale, centred; "
        "null: unknown, so that no galaxies are fitted.",
    )


class Psf(Section):
    """The point spread function (PSF) of images that are simulated or resampled."""

    psf_fwhm_arcsec: Positive = Field(
        default=0.17, description="Full width at half maximum of the PSF, arcsec."
    )
    psf_moffat_beta: MoffatBeta = 2.5


class Magnitudes(Section):
    """Range of magnitudes of the galaxies."""

    mag_min: Real = Field(default=18.0, description="Magnitude of the brightest galaxies.")
    mag_max: Real = Field(default=23.0, description="Magnitude of the faintest galaxies.")

    _magnitudes_are_ordered = model_validator(mode="after")(check_order("mag_min", "mag_max"))


def _kind_of_images(value: Any) -> str:
    """Tag of one path or of a list of paths; brackets as in `deblend.config_base.kind_tag`."""
    return "<list>" if isinstance(value, list | tuple) else "<path>"


StampFiles = Annotated[
    Annotated[Text, Tag("<path>")]
    | Annotated[tuple[Text, ...], Field(min_length=1), Tag("<list>")],
    Discriminator(_kind_of_images),
]
StampImages = Annotated[
    StampFiles,
    Field(
        description="Stamps: a file (.h5, .npz, .npy or .fits) with an array (galaxy, y, x) or "
        "(galaxy, band, y, x); or FITS files with one stamp each, named by the galaxies' ids: a "
        "folder, a pattern such as stamps/*_f160w.fits, where * stands for the id, or a list of "
        "files. Stamps are cut around their centres to stamp_size."
    ),
]


class FilesConfig(OwnImages, PsfImage):
    """Stamps and a catalogue of the user; see `config/README.md`."""

    images: StampImages
    images_key: str | None = Field(
        default=None,
        description="Name of the array in an .npz or .h5 file, or FITS extension; null if the file "
        "has only one.",
    )
    plane: NonNegativeInteger | None = Field(
        default=None,
        description="Index of the band, from 0, if stamps have several: the array has four "
        "dimensions, or that of a galaxy's own file has three.",
    )
    unit: ImageUnit = None
    mask_bits: MaskBits = None
    segmaps: StampFiles | None = Field(
        default=None,
        description="Segmentation maps of the images' shapes, 0 for the background: a file with all"
        " of them, or a folder, a pattern or a list of files, as for images; null: those of "
        "segmaps_key, or SEP makes them.",
    )
    segmaps_key: str | None = Field(
        default=None,
        description="The same as images_key, for segmaps; without segmaps it names an array or "
        "extension of the images' own files, such as SEGM.",
    )
    catalog: Text = Field(
        description="Catalogue in a format that astropy reads, such as .ecsv, .csv or .fits."
    )
    columns: dict[str, str] = Field(
        description="Name of the catalogue's column for each of the workflow's: id, mag, "
        "half_light_radius, and optionally ra, dec, redshift, morphology, p_sph, p_disk, p_irr, "
        "sersic_n, axis_ratio."
    )
    radius_unit: RadiusUnit = Field(
        default="pix", description="Unit of the radius column if the catalogue does not state it."
    )
    add_noise: Boolean = Field(
        default=False, description="Add Gaussian noise of noise_sigma; for stamps without noise."
    )
    recentre: Boolean = Field(
        default=False,
        description="Centre each stamp on the centroid of the light, not on the centre of the "
        "image.",
    )


class RealGalaxyConfig(Images, Psf):
    """Galaxies of a GalSim RealGalaxyCatalog, converted to another PSF, pixel scale and noise."""

    catalog: Text = Field(
        description="The catalogue; the files that it names are in the same folder."
    )
    fits_catalog: Text | None = Field(
        description="Companion catalogue with the galaxies' flux_radius; null if the catalogue "
        "itself has it."
    )


class SkyField(Section):
    """A field of a survey."""

    name: Annotated[
        Name, Field(description="Name of the field; the ids of its galaxies begin with it.")
    ]
    mosaic: FileOrAddress = Field(
        description="Path or https address of a FITS image, sky subtracted, with celestial "
        "coordinates."
    )
    extension: ImageExtension = 0
    unit: ImageUnit = None
    weight: Weight = None
    mask_bits: MaskBits = None
    apply_sip: ApplySip = False
    catalog: TableName = Field(
        description="Catalogue of the galaxies: a path, vizier: and the name of a table at VizieR, "
        "or archive: with an entry of config/datasets.yaml and a file in it."
    )
    columns: dict[str, str] = Field(
        description="Name of the catalogue's column for each of the workflow's: id, ra, dec, mag, "
        "half_light_radius, and optionally redshift, morphology, p_sph, p_disk, p_irr, sersic_n, "
        "axis_ratio."
    )
    radius_unit: RadiusUnit = Field(
        default="arcsec",
        description="Unit of the radius column if the catalogue does not state it.",
    )
    max_values: dict[str, Real] = Field(
        default={},
        description="Largest values of columns of the catalogue, such as those of flags: galaxies "
        "beyond them, or without a value, are left out.",
    )
    morphology: TableName | None = Field(
        default=None,
        description="Catalogue of class probabilities, matched by position: named as catalog, or "
        "null.",
    )
    morphology_columns: dict[str, str] = Field(
        default={},
        description="Name of the column of the morphology catalogue for each of the workflow's:"
        " ra, dec, p_sph, p_disk, p_irr.",
    )


class Matching(Section):
    """How galaxies are matched with the entries of another catalogue."""

    match_radius_arcsec: Positive = Field(
        default=0.5,
        description="Largest distance on the sky between a galaxy and its entry in the morphology "
        "catalogue, arcsec.",
    )


class FieldConfig(SkyField, OwnImages, PsfImage, Matching):
    """A field of a survey, with the properties of its images; see `config/README.md`."""


class MosaicChecksum(Section):
    """Checksum of a mosaic that is downloaded."""

    checksum: Checksum | None = Field(
        default=None,
        description="sha256:... or md5:... of a mosaic that is downloaded; null: not checked.",
    )


class SurveyField(SkyField, MosaicChecksum):
    """A field of a survey, with its mosaic and catalogues."""


def _is_number_or_unknown(value: Any) -> Any:
    """Check a number that may be unknown; errors of unions do not speak of either."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    if not is_number and value != UNKNOWN:
        raise Problem(f"{display_value(value)} is neither a number above 0 nor {UNKNOWN}")
    return value


#: A number of bytes, rows or images, or that it is not known.
KnownOrNot = Annotated[Count | Literal["unknown"], BeforeValidator(_is_number_or_unknown)]


class Members(Section):
    """File names in an archive, without their folders."""

    images: str | None = Field(default=None, description="File of the stamps.")
    segmaps: str | None = Field(default=None, description="File of the segmentation maps.")
    catalog: str = Field(description="File of the catalogue.")


class Archive(Section):
    """A file in an archive, which can be downloaded: an entry of config/datasets.yaml.

    What is not known is `unknown`, and is not checked.
    """

    title: str = Field(description="What the archive contains.")
    doi: str | None = Field(
        default=None,
        description="Digital object identifier (DOI); required unless kaggle, url or vizier is "
        "given.",
    )
    kaggle: (
        Annotated[
            str,
            Pattern(r"^[a-z0-9][a-z0-9-]*$", "letters from a to z, digits and -"),
        ]
        | None
    ) = Field(
        default=None,
        description="Kaggle competition that has the file, instead of a DOI; the download needs"
        " the user's own Kaggle token.",
    )
    vizier: (
        Annotated[
            str,
            Pattern(r"^[A-Z]+/[A-Za-z0-9+_/-]+$", "the name of a table, such as J/ApJS/207/24"),
        ]
        | None
    ) = Field(
        default=None,
        description="Table at VizieR, instead of a file: these are the facts about it wherever the "
        "configuration names it (vizier:...).",
    )
    version: str = Field(description="Version of the record.")
    url: Annotated[str, Pattern(rf"^{NO_AT}https?://", f"an https address, {CODED}")] | None = (
        Field(
            default=None,
            description="https address of the file, or of a mirror of the record's; without it the "
            "address comes from the DOI's record. The entry has the facts about the file wherever "
            "the configuration names this address.",
        )
    )
    address: Literal["seen", "assembled"] = Field(
        default="seen",
        description="Whether the address stands as a whole in a public source, or was assembled "
        "from a folder and a file's name.",
    )
    filename: Annotated[str, Pattern("^[^/]+$", "a name without a folder")] | None = Field(
        default=None, description="Name of the file in the record; required unless it is a table."
    )
    checksum: KnownOrNotChecksum | None = Field(
        default=None,
        description="sha256:... or md5:... of the file; unknown, or without it, the record's own "
        "checksum is used. Required if url is given; if it is unknown, the file is not checked.",
    )
    max_bytes: Count | None = Field(
        default=None,
        description="Largest size of the file and of each of its members; required unless it is a "
        "table.",
    )
    n_bytes: KnownOrNot = Field(default=UNKNOWN, description="Size of the file, exactly.")
    about_bytes: KnownOrNot = Field(
        default=UNKNOWN,
        description="Size of the file, to about a tenth, where the exact one is unknown.",
    )
    n_rows: KnownOrNot = Field(
        default=UNKNOWN,
        description="Number of rows of the table, or of the catalogue in the archive; a file with "
        "another number is refused.",
    )
    n_images: KnownOrNot = Field(
        default=UNKNOWN,
        description="Number of JPEGs in a zip; a file with another number is refused.",
    )
    members: Members | None = Field(
        default=None,
        description="Names of the files in the archive; without them it is a zip of JPEGs.",
    )
    columns: dict[str, str] | None = Field(
        default=None,
        description="Name of the catalogue's column for each of the workflow's, as for data "
        "sets of source files; requires radius_unit and members.",
    )
    radius_unit: RadiusUnit | None = Field(default=None, description="Unit of the radii.")
    licence: str = Field(description="Terms of use, or unknown.")
    citation: str = Field(description="What to cite.")

    @model_validator(mode="after")
    def _has_a_source(self) -> "Archive":
        if all(x is None for x in (self.doi, self.kaggle, self.url, self.vizier)):
            raise Problem("this key is missing, and so are kaggle, url and vizier: give one", "doi")
        if self.doi is not None and self.kaggle is not None:
            raise Problem(
                f"{self.kaggle!r} is given together with doi {self.doi!r}: keep one of them",
                "kaggle",
            )
        return self

    @model_validator(mode="after")
    def _has_required_keys(self) -> "Archive":
        if self.url is not None and self.checksum is None:
            raise Problem(
                "this key is missing: a url requires a checksum (unknown: it is not checked)",
                "checksum",
            )
        for name in ("filename", "max_bytes"):
            if self.vizier is None and getattr(self, name) is None:
                raise Problem("this key is missing", name)
        for name in ("radius_unit", "members"):
            if self.columns is not None and getattr(self, name) is None:
                raise Problem("this key is missing: columns require it", name)
        return self
