"""Configuration of the benchmark of all methods."""

from itertools import pairwise
from typing import Annotated, Literal, get_args

from deblend.config_base import (
    Count,
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
    Unique,
    check_kind,
    kind_tag,
)
from pydantic import Discriminator, Field, Tag, model_validator

SetName = Literal["simulated", "isolated", "one", "three", "close", "faint", "wide_psf", "hsc"]
SET_NAMES: tuple[SetName, ...] = get_args(SetName)

#: Environments in which a function of the user's own can run.
Environment = Literal["analysis", "keras", "torch", "scarlet2"]

Subset = Annotated[
    Count | None,
    Field(description="Number of blends of each set that are measured; null: all."),
]
NetworkOf = Annotated[str, Field(min_length=1)]


class SepDefault(Section):
    """SEP with SExtractor's defaults and AUTO fluxes."""

    kind: Literal["sep_default"]
    subset: Subset = None


class SepColdHot(Section):
    """SEP in the cold and hot modes of `boucaud2020 > sep`."""

    kind: Literal["sep_cold_hot"]
    flux: Literal["isophotal", "auto"] = Field(
        default="auto", description="Kind of flux, each with its own zero point."
    )
    subset: Subset = None


class ForcedFit(Section):
    """Simultaneous fit of all galaxies at fixed positions."""

    kind: Literal["forced_fit"]
    positions: Literal["true", "detected"] = Field(
        default="detected", description="Positions: the true ones, or those that SEP detects."
    )
    subset: Subset = None


class Photutils(Section):
    """Detection and deblending with photutils, Kron fluxes."""

    kind: Literal["photutils"]
    threshold: Positive = Field(
        default=1.5, description="Detection threshold on the smoothed image, in units of its noise."
    )
    min_area: Count = Field(default=10, description="Minimum number of pixels of a source.")
    contrast: Share = Field(default=0.001, description="Minimum contrast for deblending.")
    subset: Subset = None


class BoucaudNetwork(Section):
    """A network of Boucaud et al. 2020."""

    kind: Literal["boucaud2020"]
    network: NetworkOf = Field(description="Name of the network under networks.")
    subset: Subset = None


class BlendHunter(Section):
    """A head of BlendHunter, which says only whether there is a blend."""

    kind: Literal["blendhunter"]
    network: str | None = Field(
        default=None,
        description="Folder of the network under results/networks, such as blendhunter/sigma15_0; "
        "null: the first one at the noise nearest to farrens2022 > realistic_noise_sigma.",
    )
    subset: Subset = None


class SuperResolution(Section):
    """Peaks of a super-resolution network of Hemmati et al. 2022, with fits of two galaxies."""

    kind: Literal["super_resolution"]
    network: NetworkOf = Field(
        default="sr_content",
        description="Network of one band, which is trained if it is not there.",
    )
    subset: Subset = None


class Separator(Section):
    """A copy-gate separator like that of Reiman & Goehre 2019, trained on sums of stamps."""

    kind: Literal["separator"]
    filters: Count = Field(default=16, description="Filters of the first level.")
    levels: Count = Field(default=3, le=8, description="Levels of the U-Net.")
    iterations: Count = Field(default=3000, description="Number of batches of the training.")
    batch_size: Count = Field(default=16, description="Blends of a batch.")
    learning_rate: Positive = Field(default=0.002, description="Learning rate at the beginning.")
    subset: Subset = None


class Blend2Posterior(Section):
    """blend2posterior: the joint density of both fluxes, and the number of galaxies."""

    kind: Literal["blend2posterior"]
    filters: Count = Field(default=24, description="Filters at half the resolution.")
    blocks: Count = Field(default=2, le=8, description="Residual blocks at each resolution.")
    dropout: Share = Field(default=0.1, description="Share of dropout before the context.")
    iterations: Count = Field(default=12000, description="Number of batches of the training.")
    batch_size: Annotated[Count, Field(ge=2)] = Field(default=128, description="Scenes of a batch.")
    learning_rate: Positive = Field(default=0.002, description="Largest learning rate.")
    weight_decay: NotNegative = Field(default=0.01, description="Decay of the weights (AdamW).")
    shares: tuple[Share, Share, Share] = Field(
        default=(0.1, 0.8, 0.1),
        description="Shares of training scenes of one, two and three galaxies.",
    )
    n_neighbours_mean: NotNegative = Field(
        default=4.0, description="Neighbours of each galaxy in 128 x 128 pixels."
    )
    neighbour_mag: tuple[Real, Real] = Field(
        default=(20.0, 25.5), description="Range of their magnitudes."
    )
    n_profiles: Count = Field(
        default=1000,
        description="Number of smooth profiles of third galaxies, and of neighbours, that are "
        "drawn once.",
    )
    subset: Subset = None

    @model_validator(mode="after")
    def _shares_add_up(self) -> "Blend2Posterior":
        if abs(sum(self.shares) - 1) > 1e-6:
            raise Problem(f"the shares {list(self.shares)} do not add up to 1", "shares")
        return self


class Recalibrated(Section):
    """blend2posterior with intervals that blends of the validation galaxies of `real` correct."""

    kind: Literal["recalibrated"]
    network: NetworkOf = Field(
        default="blend2posterior", description="Name of the method of the kind blend2posterior."
    )
    subset: Subset = None


class Scarlet2(Section):
    """scarlet2, in an environment of its own; left out where it is not installed."""

    kind: Literal["scarlet2"]
    positions: Literal["true", "detected"] = Field(
        default="detected", description="Positions: the true ones, or those that SEP detects."
    )
    max_steps: Count = Field(default=100, description="Largest number of steps of a fit.")
    subset: Subset = 200


class OwnFunction(Section):
    """A function of your own; see `docs/extend.md`."""

    kind: Literal["function"]
    function: Annotated[
        str,
        Pattern(r"^.+\.py:[A-Za-z_]\w*$", "a file and a function, such as my_method.py:measure"),
    ] = Field(description="Python file and its function.")
    environment: Environment = Field(
        default="analysis", description="Environment in which it runs: a file in envs."
    )
    positions: Literal["true", "detected"] = Field(
        default="detected", description="Whether it gets the true positions."
    )
    options: dict[str, bool | int | float | str] = Field(
        default={}, description="Further arguments of the function."
    )
    subset: Subset = None


KINDS = {
    "sep_default": SepDefault,
    "sep_cold_hot": SepColdHot,
    "forced_fit": ForcedFit,
    "photutils": Photutils,
    "boucaud2020": BoucaudNetwork,
    "blendhunter": BlendHunter,
    "super_resolution": SuperResolution,
    "separator": Separator,
    "blend2posterior": Blend2Posterior,
    "recalibrated": Recalibrated,
    "scarlet2": Scarlet2,
    "function": OwnFunction,
}

MethodConfig = Annotated[
    Annotated[SepDefault, Tag("<sep_default>")]
    | Annotated[SepColdHot, Tag("<sep_cold_hot>")]
    | Annotated[ForcedFit, Tag("<forced_fit>")]
    | Annotated[Photutils, Tag("<photutils>")]
    | Annotated[BoucaudNetwork, Tag("<boucaud2020>")]
    | Annotated[BlendHunter, Tag("<blendhunter>")]
    | Annotated[SuperResolution, Tag("<super_resolution>")]
    | Annotated[Separator, Tag("<separator>")]
    | Annotated[Blend2Posterior, Tag("<blend2posterior>")]
    | Annotated[Recalibrated, Tag("<recalibrated>")]
    | Annotated[Scarlet2, Tag("<scarlet2>")]
    | Annotated[OwnFunction, Tag("<function>")],
    Discriminator(kind_tag("kind")),
    check_kind("kind", *KINDS),
]

Edges = Annotated[tuple[Real, ...], Field(min_length=2)]


class Bins(Section):
    """Edges of the bins of the scores; what is beyond them has bins of its own."""

    delta_mag: Edges = Field(
        default=(-2.0, -1.0, 0.0, 1.0, 2.0),
        description="Magnitude minus that of the other galaxy.",
    )
    separation_over_size: Edges = Field(
        default=(0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0),
        description="Distance over the larger half-light radius.",
    )
    snr: Edges = Field(
        default=(20.0, 50.0, 100.0, 200.0, 400.0, 800.0),
        description="Signal to noise of the galaxy alone.",
    )

    @model_validator(mode="after")
    def _edges_increase(self) -> "Bins":
        for name in type(self).model_fields:
            edges = getattr(self, name)
            if any(low >= high for low, high in pairwise(edges)):
                raise Problem(f"the edges {list(edges)} do not increase", name)
        return self


class Benchmark(Section):
    """A common benchmark of all methods: see `docs/benchmark.md`."""

    dataset: Text = Field(
        default="simulated",
        description="Simulated data set whose settings the galaxies have; they are others than "
        "its own.",
    )
    n_galaxies: Annotated[Count, Field(ge=4)] = Field(
        default=4000,
        description="Number of galaxies of the sets simulated, isolated and hsc; each is in one "
        "blend.",
    )
    n_outside: Annotated[Count, Field(ge=4)] = Field(
        default=1000, description="Number of galaxies of each other set."
    )
    n_calibration: Annotated[Count, Field(ge=64)] = Field(
        default=6000,
        description="Number of further galaxies, on whose scenes of one, two and three galaxies "
        "blend2posterior is calibrated; three quarters are in blends of two.",
    )
    sets: Annotated[tuple[SetName, ...], Unique()] = Field(
        default=SET_NAMES,
        min_length=1,
        description="Sets of blends: simulated, with neighbours; isolated, the same without, "
        "nearer to the training, whose stamps are cleaned; outside its range one and three "
        "galaxies, close (nearer than half a radius), faint (1.5 mag beyond the limit), "
        "wide_psf (1.5 times as wide); hsc: the galaxies and shifts of simulated at a "
        "ground-based resolution.",
    )
    real: str | None = Field(
        default=None,
        description="Data set whose cleaned test galaxies make a further set, real; null: none.",
    )
    n_real_blends: Count = Field(default=1000, description="Number of blends of that set.")
    companion_edge: Literal["zero", "noise"] | None = Field(
        default=None,
        description="What is where the companion's stamp ends; null: as under "
        "`boucaud2020 > blending`, as in the trainings of the networks.",
    )
    weights: Annotated[tuple[Text, ...], Unique()] = Field(
        default=(),
        description="Folders of trained networks, such as `evidence/weights`: a method whose "
        "network has a folder with its name in one of them takes it, and trains none.",
    )
    methods: dict[Name, MethodConfig | None] = Field(
        default={}, description="Methods by name; null leaves one out."
    )
    bins: Bins = Field(
        default=Bins(),
        description="Edges of the bins of the scores; what is beyond them has bins of its own.",
    )
    bootstrap_resamples: NonNegativeInteger = Field(
        default=300, description="Number of bootstrap resamples for intervals."
    )

    @model_validator(mode="after")
    def _recalibrated_ones_have_what_they_need(self) -> "Benchmark":
        trained = [n for n, m in self.methods.items() if isinstance(m, Blend2Posterior)]
        for name, method in self.methods.items():
            if not isinstance(method, Recalibrated):
                continue
            if self.real is None:
                raise Problem(
                    "a method of the kind recalibrated needs a data set of real galaxies: name it "
                    "under benchmark > real, or leave the method out (null)",
                    "methods",
                    name,
                )
            if method.network not in trained:
                raise Problem(
                    f"there is no method {method.network!r} of the kind blend2posterior "
                    f"(there are: {', '.join(trained) or 'none'})",
                    "methods",
                    name,
                    "network",
                )
        return self
