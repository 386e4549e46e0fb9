"""Configuration of Boucaud et al. 2020: data sets of galaxies, networks, blends and SEP."""

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
    Share,
    Split,
    Text,
    Unique,
    check_kind,
    check_order,
    kind_tag,
)
from deblend.data.config import (
    Band,
    FileOrAddress,
    FilesConfig,
    Images,
    Magnitudes,
    Matching,
    NoiseKind,
    NoiseSigma,
    OwnImages,
    PixelScale,
    Psf,
    PsfImage,
    RealGalaxyConfig,
    SurveyField,
    ZeroPoint,
)
from deblend.photometry.config import Detection
from deblend.training.config import (
    AdamEpsilon,
    Dropout,
    Epochs,
    LearningRate,
    MinDelta,
    SteeringConfig,
    StopPatience,
)
from pydantic import Discriminator, Field, Tag, model_validator


class CleaningSwitches(Section):
    """Switches of the cleaning of one data set; null: as under `boucaud2020 > cleaning`."""

    touching: Boolean | None = Field(
        default=None, description="Whether galaxies that touch neighbours are excluded."
    )
    crowded: Boolean | None = Field(
        default=None, description="Whether stamps with too little background are excluded."
    )
    still_blended: Boolean | None = Field(
        default=None,
        description="Whether galaxies are excluded that the cold mode of SEP divides into several.",
    )
    off_centre: Boolean | None = Field(
        default=None, description="Whether galaxies off the centre of the stamp are excluded."
    )
    extra_noise: Boolean | None = Field(
        default=None, description="Whether noise is added to the stamps."
    )


class InspectedSwitches(CleaningSwitches):
    """The same for stamps that were inspected by eye: none of the criteria is applied."""

    touching: Boolean | None = Field(
        default=False, description="Whether galaxies that touch neighbours are excluded."
    )
    crowded: Boolean | None = Field(
        default=False, description="Whether stamps with too little background are excluded."
    )
    still_blended: Boolean | None = Field(
        default=False,
        description="Whether galaxies are excluded that the cold mode of SEP divides into several.",
    )
    off_centre: Boolean | None = Field(
        default=False, description="Whether galaxies off the centre of the stamp are excluded."
    )


class Selection(Magnitudes):
    """Which galaxies of a data set are used, and in which split."""

    cleaning: CleaningSwitches = Field(
        default=CleaningSwitches(),
        description="Switches of the cleaning, where they differ from those under "
        "`boucaud2020 > cleaning`.",
    )
    split: Split = Field(
        default=Split(train=0.6, validation=0.2, test=0.2),
        description="Share of the galaxies in each split, chosen before blending; the shares "
        "add up to 1.",
    )


class ArchiveDataSet(Images, PsfImage, Selection):
    """Downloaded stamps."""

    source: Literal["archive"]
    archive: str = Field(description="Name of the archive, an entry of config/datasets.yaml.")
    cleaning: InspectedSwitches = Field(
        default=InspectedSwitches(),
        description="Switches of the cleaning; null: as under `boucaud2020 > cleaning`. The stamps "
        "of the archive were inspected, so that no criterion is applied by default.",
    )


class SimulatorConfig(Images, Psf, Magnitudes):
    """What the simulator needs; see `config/config.yaml` for each value's source."""

    band: Band = "f160w"
    pixel_scale_arcsec: PixelScale = 0.06
    zero_point: ZeroPoint = 25.96
    noise_sigma: NoiseSigma = 0.0057
    noise: NoiseKind = "correlated"
    exposure_time_s: Positive = Field(
        default=3300.0,
        description="Exposure time, which determines the photon noise of the galaxies, s.",
    )
    n_neighbours_mean: Real = Field(
        default=4.0,
        ge=0,
        le=100,
        description="Mean number of neighbouring galaxies on a stamp of 128 x 128 pixels.",
    )
    neighbour_mag_min: Real = Field(
        default=20.0, description="Magnitude of the brightest neighbours."
    )
    neighbour_mag_max: Real = Field(
        default=25.5, description="Magnitude of the faintest neighbours."
    )

    _neighbour_magnitudes_are_ordered = model_validator(mode="after")(
        check_order("neighbour_mag_min", "neighbour_mag_max")
    )


class SimulatedDataSet(SimulatorConfig, Selection):
    """Galaxies simulated with GalSim."""

    source: Literal["simulated"]
    n_galaxies: Count = Field(default=2618, description="Number of parent galaxies.")
    chunk_size: Count = Field(default=110, description="Number of galaxies per job.")


class FilesDataSet(FilesConfig, Selection):
    """The user's stamps and catalogue; see config/README.md."""

    source: Literal["files"]


class RealGalaxyDataSet(RealGalaxyConfig, Selection):
    """A GalSim RealGalaxyCatalog, at another PSF, pixel scale and noise."""

    source: Literal["real_galaxy"]
    fits_catalog: Text = Field(description="Companion catalogue with the galaxies' flux_radius.")


class MosaicsDataSet(OwnImages, PsfImage, Matching, Selection):
    """Stamps cut from survey mosaics at a catalogue's positions; see config/README.md."""

    source: Literal["mosaics"]
    fields: tuple[SurveyField, ...] = Field(
        min_length=1, description="Fields of the survey, each with its mosaic and catalogues."
    )
    max_bytes: Count = Field(
        default=20_000_000_000, description="Largest size of a mosaic that is downloaded, bytes."
    )

    @model_validator(mode="after")
    def _field_names_are_unique(self) -> "MosaicsDataSet":
        names = [field.name for field in self.fields]
        if len(set(names)) < len(names):
            raise Problem(f"names have to be unique; they are {', '.join(names)}", "fields")
        return self


DataSet = Annotated[
    Annotated[ArchiveDataSet, Tag("<archive>")]
    | Annotated[SimulatedDataSet, Tag("<simulated>")]
    | Annotated[FilesDataSet, Tag("<files>")]
    | Annotated[RealGalaxyDataSet, Tag("<real_galaxy>")]
    | Annotated[MosaicsDataSet, Tag("<mosaics>")],
    Discriminator(kind_tag("source")),
    check_kind("source", "archive", "simulated", "files", "real_galaxy", "mosaics"),
]

Filters = Annotated[
    Integer, Field(ge=1, le=4096, description="Number of filters of the first layer.")
]
BatchSize = Annotated[Count, Field(description="Number of blends per batch.")]


class Training(SteeringConfig):
    """What every network has, and how it is trained."""

    dataset: str = Field(description="Data set that the network is trained on.")
    filters: Filters = 256
    asinh_softening: Positive | None = Field(
        default=None,
        description="Softening s of the stretch asinh(x / s) / 3 that is applied to images "
        "first, counts/s; null: no stretch.",
    )
    n_train_blends: Count | None = Field(
        default=25000,
        description="Number of blends in the training set; null: every batch consists of new "
        "blends.",
    )
    steps_per_epoch: Count | None = Field(
        default=None,
        description="Number of batches per epoch; null: as many as cover the training set.",
    )
    augment: Boolean = Field(
        default=False, description="Flip and rotate each galaxy of a training blend at random."
    )
    flip_blends: Boolean = Field(
        default=False,
        description="Flip each training blend as a whole at random; without effect if augment "
        "flips and rotates each galaxy.",
    )
    batch_size: BatchSize = 32
    adam_epsilon: AdamEpsilon = 1.0e-7
    epochs: Epochs = 200
    learning_rate: LearningRate = 0.0001
    min_delta: MinDelta = 0.001


class Fluxes(Section):
    """The part of a network that predicts fluxes."""

    dense_units: Count | None = Field(
        default=None, description="Number of units of the dense layers; null: the same as filters."
    )
    flux_scale: Positive = Field(
        default=1.0, description="Flux by which the output of the network is multiplied, counts/s."
    )
    output: Literal["linear", "exponential"] = Field(
        default="linear",
        description="Whether fluxes are the values of the last layer (linear) or their "
        "exponentials (exponential).",
    )


class Blend2Flux(Training, Fluxes):
    """A blend2flux network and how it is trained."""

    architecture: Literal["blend2flux"]


class Unet(Training):
    """A U-Net and how it is trained."""

    architecture: Literal["unet"]
    filters: Filters = 32
    depth: Integer = Field(
        default=5,
        ge=2,
        le=8,
        description="Number of levels of the U-Net, including the lowest one.",
    )
    dropout: Dropout = 0.2
    dropout_after: Literal["both", "first"] = Field(
        default="both",
        description="Dropout after both convolutions of a level, or between them only.",
    )
    overlap_channel: Boolean = Field(
        default=False,
        description="Whether there is a third mask, for the overlap of the galaxies, as in the "
        "authors' code.",
    )
    flip_blends: Boolean = Field(
        default=True,
        description="Flip each training blend as a whole at random; without effect if augment "
        "flips and rotates each galaxy.",
    )
    batch_size: BatchSize = 8
    epochs: Epochs = 50
    min_delta: MinDelta = 0.0


class Blend2Mask2Flux(Training, Fluxes):
    """A blend2mask2flux network and how it is trained."""

    architecture: Literal["blend2mask2flux"]
    unet: str = Field(
        default="unet",
        description="Network of architecture unet whose weights are the initial weights of the "
        "training.",
    )
    filters: Filters = 159
    flux_loss_weight: NotNegative = Field(
        default=0.1,
        description="Weight of the mean absolute percentage error of the fluxes (%) in the loss.",
    )
    mask_loss_weight: NotNegative = Field(
        default=1.0, description="Weight of the cross-entropy of the masks in the loss."
    )
    epochs: Epochs = 300
    learning_rate: LearningRate = 0.0001
    stop_patience: StopPatience = None


Network = Annotated[
    Annotated[Blend2Flux, Tag("<blend2flux>")]
    | Annotated[Unet, Tag("<unet>")]
    | Annotated[Blend2Mask2Flux, Tag("<blend2mask2flux>")],
    Discriminator(kind_tag("architecture")),
    check_kind("architecture", "blend2flux", "unet", "blend2mask2flux"),
]
NetworkName = Annotated[
    str,
    Pattern(
        # Not "$", which would let a line break at the end pass.
        r"^(?!(sep(_iso|_auto)?(_self.*)?|forced.*)\Z)[a-z][a-z0-9_]*\Z",
        "a letter from a to z, then such letters, digits and _, and not sep, sep_iso, sep_auto, "
        "one of these with _self, or forced..., which stand for baselines",
    ),
]


class CleaningRules(Section):
    """How stamps are cleaned, and criteria of a clean stamp.

    Attributes
    ----------
    dilation_px : int
        As in the authors' code, the galaxy's own dilated region is not replaced.
    fill : {"gaussian", "background_pixels"}
        gaussian: Gaussian noise of the standard deviation of the background, as in the authors'
        code, with the correlation of the data set's noise where that is known.
        background_pixels: pixels drawn at random from the background, as in Sect. 2.1; they are not
        correlated with each other.
    extra_noise : bool
        Add one more realisation of such Gaussian noise to the whole stamp. The authors' code does
        this for each blend anew, of which the paper says nothing; here it is done once per stamp.
    """

    min_class_probability: Share = Field(
        default=0.8, description="Probability above which a galaxy belongs to a class."
    )
    detection: Detection = Field(
        default=Detection(threshold=1.5, min_area=8, contrast=0.02, n_thresholds=32),
        description="Settings of SEP for the segmentation of parent stamps.",
    )
    dilation_px: Integer = Field(
        default=5,
        ge=0,
        le=32,
        description="How often the regions of objects are dilated by a cross of 3 x 3 pixels.",
    )
    fill: Literal["gaussian", "background_pixels"] = Field(
        default="gaussian",
        description="What replaces neighbours: Gaussian noise, or random pixels of the background.",
    )
    extra_noise: Boolean = Field(
        default=True,
        description="Whether one more realisation of the background noise is added to each stamp.",
    )
    touching: Boolean = Field(
        default=True,
        description="Whether galaxies are excluded whose edge is in contact with neighbours.",
    )
    max_contact: Share = Field(
        default=0.1,
        description="Largest share of the galaxy's edge that may be in contact with neighbours.",
    )
    crowded: Boolean = Field(
        default=True, description="Whether stamps with too little background are excluded."
    )
    min_background_fraction: Real = Field(
        default=0.05, gt=0, le=1, description="Smallest share of a stamp that has to be background."
    )
    still_blended: Boolean = Field(
        default=True,
        description="Whether galaxies are excluded that SEP's cold mode divides into several, on "
        "the cleaned stamp.",
    )
    off_centre: Boolean = Field(
        default=True, description="Whether galaxies off the centre of the stamp are excluded."
    )
    max_off_centre_px: Positive = Field(
        default=3.0,
        description="Largest distance of the galaxy's centroid from the central pixel, pixels.",
    )


class Cleaning(CleaningRules):
    """How parent stamps are cleaned."""

    rejected: Text = Field(
        default="config/rejected.csv",
        description="Table of galaxies that were rejected by visual inspection (columns id and "
        "reason); a path relative to the project's folder.",
    )


class CleaningConfig(CleaningRules, Magnitudes):
    """What cleaning needs; see `config/config.yaml` for each value's source."""

    cold: Detection
    hot: Detection


class BlendRules(Section):
    """Which pairs are blended, and how far apart.

    Attributes
    ----------
    shift_rule : {"authors", "section_2_2"}
        authors: integer shifts uniform in a square, its upper edge excluded, accepted if
        max(R1, R2) <= |r| <= min(4 min(R1, R2), half the stamp); where that is empty the minimum is
        0.8 of the maximum.
        section_2_2: dx and dy each of either sign, uniform between 0.5 max(R1, R2) and half the
        stamp.
    """

    delta_mag_max: Positive = Field(
        default=2.0, description="Largest difference in magnitude between the galaxies of a blend."
    )
    shift_rule: Literal["authors", "section_2_2"] = Field(
        default="authors",
        description="How the shift of the companion is drawn: as in the authors' code, or as in"
        " Sect. 2.2.",
    )


class BlendConfig(BlendRules):
    """How blends are drawn."""

    orientations: Boolean = Field(
        description="Whether each galaxy is flipped and rotated by quarter turns at random; "
        "without it no galaxy is, as in the paper."
    )


class BlendNumbers(Section):
    """Number of blends of each split."""

    validation: Count = Field(default=5000, description="Number of blends of the validation split.")
    test: Count = Field(default=5000, description="Number of blends of the test split.")


class Blending(BlendRules):
    """How blends are made."""

    companion_edge: Literal["zero", "noise"] = Field(
        default="zero",
        description="How pixels that the shifted stamp of the companion does not cover are "
        "filled: with zeros, as in the authors' code, which leave an edge in the noise that "
        "networks come to rely on, or with noise, for networks that measure images of one's own.",
    )
    n_blends: BlendNumbers = Field(
        default=BlendNumbers(),
        description="Number of blends for validation and test; the training blends are "
        "configured with each network.",
    )


class Sep(Section):
    """The SExtractor baseline, measured with SEP."""

    cold: Detection = Field(
        default=Detection(threshold=5.0, min_area=10, contrast=0.01, n_thresholds=64),
        description="Settings of the cold mode.",
    )
    hot: Detection = Field(
        default=Detection(threshold=4.0, min_area=6, contrast=0.0001, n_thresholds=64),
        description="Settings of the hot mode.",
    )
    chunk_size: Count = Field(
        default=1000,
        description="Number of blends that a process handles at a time; results do not depend on "
        "it.",
    )


class Boucaud2020(Section):
    """Boucaud et al. 2020."""

    dataset: str = Field(
        default="candels", description="Data set that the figures and tables are made from."
    )
    network: str = Field(
        default="blend2flux", description="Network that figures and tables show as blend2flux."
    )
    unet: str | None = Field(
        default="unet",
        description="Network whose masks are shown as those of the U-Net; null: none.",
    )
    blend2mask2flux: str | None = Field(
        default="blend2mask2flux",
        description="Network that figures and tables show as blend2mask2flux; null: none, and "
        "its columns stay empty.",
    )
    compared: Annotated[tuple[str, ...], Unique()] = Field(
        default=("joint_text",),
        description="Further networks, each with Figures 5 to 9 and, if it predicts masks, 10 to "
        "12 of its own.",
    )
    table2: Annotated[tuple[str, ...], Unique()] = Field(
        default=("blend2flux_64", "blend2flux", "blend2flux_512"),
        min_length=1,
        description="Networks of architecture blend2flux in Table 2.",
    )
    cleaning: Cleaning = Field(
        default=Cleaning(), description="How clean stamps are selected and made from parent stamps."
    )
    blending: Blending = Field(
        default=Blending(), description="Which galaxies are blended with each other, and how."
    )
    sep: Sep = Field(default=Sep(), description="The SExtractor baseline, computed with SEP.")
    sextractor_flux: Literal["isophotal", "auto"] = Field(
        default="isophotal",
        description="Fluxes of SEP that stand for SExtractor in the catalogue and in Figures 5 to "
        "9: isophotal ones, as in the paper, or those in Kron apertures (AUTO).",
    )
    bootstrap_resamples: NonNegativeInteger = Field(
        default=1000, description="Number of bootstrap resamples for confidence intervals."
    )
    published_catalogue: FileOrAddress | None = Field(
        default="boucaud2020_catalogue",
        description="Catalogue that the authors published, from which Figures 5 to 9 are drawn "
        "too: an entry of config/datasets.yaml, a path or an https address. null: not by default; "
        "files that are asked for by name are made from boucaud2020_catalogue.",
    )
    published_checksum: (
        Annotated[
            str, Pattern(r"^(sha256|md5):[0-9a-f]+$", "sha256: or md5: and digits from 0 to f")
        ]
        | None
    ) = Field(
        default=None,
        description="Checksum of the published catalogue (sha256:... or md5:...), for an "
        "address; null: not checked.",
    )
