"""The complete configuration: all sections, checks across them, and default values.

No large packages are imported here, since Snakemake imports this module whenever it starts.
"""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from deblend.benchmark.config import Benchmark, BoucaudNetwork, SuperResolution
from deblend.boucaud2020.config import Blend2Mask2Flux, Boucaud2020, DataSet, Network, NetworkName
from deblend.config_base import (
    Boolean,
    Count,
    Integer,
    Name,
    Problem,
    Section,
    Text,
    Unique,
    UnknownKey,
    display_value,
)
from deblend.data.addresses import public_text
from deblend.data.config import Archive
from deblend.errors import DeblendError
from deblend.farrens2022.config import ABLATIONS_NAME as FARRENS_ABLATIONS
from deblend.farrens2022.config import NETWORK_NAME as BLENDHUNTER
from deblend.farrens2022.config import SEP_NAME as FARRENS_SEP
from deblend.farrens2022.config import Farrens2022
from deblend.hemmati2022.config import NETWORK_NAMES as HEMMATI_NETWORKS
from deblend.hemmati2022.config import Hemmati2022
from deblend.reiman2019.config import NETWORK_NAMES as REIMAN_NETWORKS
from deblend.reiman2019.config import Reiman2019
from deblend.scenes.config import SceneSet
from pydantic import (
    BaseModel,
    Field,
    RootModel,
    ValidationError,
    ValidationInfo,
    model_validator,
)

#: Description of all keys, which error messages refer to.
DESCRIPTION_FILE = "docs/configuration.md"

#: Old names of keys with their new names, with " > " between the parts of a key. A part of an old
#: name may be "*", which stands for any name; each "*" in the new name is the same name, in order.
RENAMED: dict[str, str] = {}

#: Entry of config/datasets.yaml for the catalogue that Boucaud et al. 2020 published.
AUTHORS_CATALOGUE = "boucaud2020_catalogue"

#: Names under networks that would write into folders of other papers, or that catalogues of test
#: blends have for other methods, with what they stand for.
RESERVED_NETWORKS = {
    **dict.fromkeys(("b2f", "b2m2f", "sex", "sextractor"), "a method of the published catalogue"),
    **dict.fromkeys(REIMAN_NETWORKS, "a network of Reiman & Goehre 2019"),
    **dict.fromkeys(HEMMATI_NETWORKS, "a network of Hemmati et al. 2022"),
    FARRENS_SEP: "SEP in Farrens et al. 2022",
    FARRENS_ABLATIONS: "ablations of Farrens et al. 2022",
}

Paper = Literal["boucaud2020", "farrens2022", "reiman2019", "hemmati2022"]


class Pathvars(Section):
    """Folders of outputs."""

    results: Text = Field(default="results", description="Folder of the results.")
    resources: Text = Field(default="resources", description="Folder of the downloads.")


class Threads(Section):
    """Number of threads of Keras and PyTorch, and of processes that share other work."""

    training: Count = Field(default=8, description="Number of threads for training and prediction.")
    workers: Count = Field(
        default=8,
        description="Most processes of a job that shares measurements, fits or images among them; "
        "results do not depend on it. With 1, a job does not wait until several cores are free.",
    )


class Config(Section):
    """Configuration of the workflow."""

    scale: Literal["paper", "small", "toy", "custom"] = Field(
        default="paper",
        description="Name of the scale, shown in figures and recorded with results.",
    )
    papers: Annotated[tuple[Paper, ...], Unique()] = Field(
        default=("boucaud2020", "farrens2022", "reiman2019", "hemmati2022"),
        min_length=1,
        description="Papers whose figures, tables and numbers are made if no target is given.",
    )
    pathvars: Pathvars = Field(default=Pathvars(), description="Folders of outputs.")
    seed: Integer = Field(
        default=2020, ge=0, le=2147483647, description="Seed of all random numbers."
    )
    backend: Literal["tensorflow", "torch", "jax"] = Field(
        default="tensorflow",
        description="Keras backend; the environment variable KERAS_BACKEND overrides it.",
    )
    require_gpu: Boolean = Field(
        default=False,
        description="Whether jobs whose rules ask for a GPU stop, with an error, where they find "
        "none; false: they run on CPUs, and say so.",
    )
    threads: Threads = Field(
        default=Threads(),
        description="Number of threads of Keras and PyTorch, and of other jobs' processes.",
    )
    datasets: dict[Name, DataSet] = Field(
        min_length=1, description="Data sets by name; the keys depend on the source."
    )
    networks: dict[NetworkName, Network] = Field(
        description="Networks of Boucaud et al. 2020 by name; the keys depend on the architecture."
    )
    boucaud2020: Boucaud2020 = Field(default=Boucaud2020(), description="Boucaud et al. 2020.")
    farrens2022: Farrens2022 = Field(description="Farrens et al. 2022, BlendHunter.")
    reiman2019: Reiman2019 = Field(description="Reiman & Goehre 2019, the branched GAN.")
    hemmati2022: Hemmati2022 = Field(description="Hemmati et al. 2022, super-resolution.")
    scenes: dict[Name, SceneSet] = Field(
        default={}, description="The user's own images of blends by name; see `docs/scenes.md`."
    )
    benchmark: Benchmark | None = Field(
        default=None,
        description="Benchmark of all methods; null: none. It is made on demand: "
        "`snakemake benchmark`.",
    )

    def _require(self, kind: Literal["datasets", "networks"], name: str, *path: str) -> None:
        known = getattr(self, kind)
        if name not in known:
            raise Problem(
                f"there is no {name!r} under {kind}; there are {', '.join(sorted(known))}", *path
            )

    @model_validator(mode="after")
    def _names_of_networks_are_free(self) -> "Config":
        # Each network has folders of its name, beside those of the other papers' networks.
        for name in self.networks:
            owner = RESERVED_NETWORKS.get(name)
            if name.startswith(BLENDHUNTER):
                owner = "the networks of Farrens et al. 2022"
            if owner is not None:
                raise Problem(
                    f"this name is reserved for {owner}: choose another", "networks", name
                )
        return self

    @model_validator(mode="after")
    def _networks_refer_to_known_entries(self) -> "Config":
        for name, network in self.networks.items():
            self._require("datasets", network.dataset, "networks", name, "dataset")
            if not isinstance(network, Blend2Mask2Flux):
                continue
            path = ("networks", name, "unet")
            self._require("networks", network.unet, *path)
            unet = self.networks[network.unet]
            if (unet.architecture, unet.dataset) != ("unet", network.dataset):
                raise Problem(
                    f"{network.unet!r} is a {unet.architecture} trained on {unet.dataset}; it has "
                    f"to be a unet trained on {network.dataset}, so that it has not seen the test "
                    "galaxies",
                    *path,
                )
        return self

    @model_validator(mode="after")
    def _boucaud2020_networks_exist(self) -> "Config":
        paper = self.boucaud2020
        self._require("datasets", paper.dataset, "boucaud2020", "dataset")
        wanted = [("network", "blend2flux", paper.network)]
        wanted += [("table2", "blend2flux", name) for name in paper.table2]
        wanted += [
            (role, role, name)
            for role, name in (("unet", paper.unet), ("blend2mask2flux", paper.blend2mask2flux))
            if name is not None
        ]
        for key, kind, name in wanted:
            self._require("networks", name, "boucaud2020", key)
            architecture = self.networks[name].architecture
            if architecture != kind:
                raise Problem(f"{name!r} is a {architecture}, not a {kind}", "boucaud2020", key)
        for name in paper.compared:
            self._require("networks", name, "boucaud2020", "compared")
            if self.networks[name].architecture == "unet":
                raise Problem(
                    f"{name!r} is a unet, which predicts no fluxes", "boucaud2020", "compared"
                )
        return self

    @model_validator(mode="after")
    def _benchmark_refers_to_known_entries(self) -> "Config":
        if self.benchmark is None:
            return self
        self._require("datasets", self.benchmark.dataset, "benchmark", "dataset")
        source = self.datasets[self.benchmark.dataset].source
        if source != "simulated":
            raise Problem(
                f"{self.benchmark.dataset!r} is of source {source}: name a simulated data set, and "
                "give real galaxies as real",
                *("benchmark", "dataset"),
            )
        if self.benchmark.real is not None:
            self._require("datasets", self.benchmark.real, "benchmark", "real")
        for name, method in self.benchmark.methods.items():
            if isinstance(method, BoucaudNetwork):
                self._require("networks", method.network, "benchmark", "methods", name, "network")
                self._benchmark_has_the_edge_of_the_trainings(name)
            if isinstance(method, SuperResolution) and method.network not in HEMMATI_NETWORKS:
                raise Problem(
                    f"{method.network!r} is not one of [{', '.join(HEMMATI_NETWORKS)}]",
                    *("benchmark", "methods", name, "network"),
                )
        return self

    def _benchmark_has_the_edge_of_the_trainings(self, method: str) -> None:
        trained = self.boucaud2020.blending.companion_edge
        if self.benchmark is not None and self.benchmark.companion_edge not in (None, trained):
            raise Problem(
                f"{self.benchmark.companion_edge!r} is not that of the training of {method}, "
                f"{trained!r}: set it to null, and boucaud2020 > blending > companion_edge to what "
                "you want",
                *("benchmark", "companion_edge"),
            )

    @model_validator(mode="after")
    def _names_of_sets_are_unique(self) -> "Config":
        # Each set has a folder of its name, all in the same folder.
        taken = dict.fromkeys(self.datasets, "datasets")
        for *path, sets in (
            ("reiman2019", "image_sets", self.reiman2019.image_sets),
            ("hemmati2022", "cutouts", self.hemmati2022.cutouts),
        ):
            for name in sets:
                if name in taken:
                    raise Problem(f"{taken[name]} has this name too: choose another", *path, name)
                taken[name] = " > ".join(path)
        return self

    @model_validator(mode="after")
    def _archives_are_known(self, info: ValidationInfo) -> "Config":
        if info.context is None:
            return self
        archives: dict[str, Archive] = info.context["archives"]

        def known_archive(name: str | None, *path: str) -> Archive:
            if name is None or name not in archives:
                text = "null" if name is None else repr(name)
                raise Problem(
                    f"there is no {text} in config/datasets.yaml; there are {', '.join(archives)}",
                    *path,
                )
            return archives[name]

        for name, entry in self.datasets.items():
            if entry.source == "archive":
                path: tuple[str, ...] = ("datasets", name, "archive")
                members = known_archive(entry.archive, *path).members
                if members is None or members.images is None:
                    raise Problem(
                        f"{entry.archive!r} has no stamps (members > images in "
                        "config/datasets.yaml)",
                        *path,
                    )
            elif entry.source == "mosaics":
                for number, field in enumerate(entry.fields):
                    for key in ("catalog", "morphology"):
                        kind, _, rest = (getattr(field, key) or "").partition(":")
                        if kind == "archive":
                            path = ("datasets", name, "fields", str(number), key)
                            known_archive(rest.partition("/")[0], *path)
        # Without one, files that are asked for by name are made from the authors' entry.
        catalogue = self.boucaud2020.published_catalogue or AUTHORS_CATALOGUE
        if catalogue in archives and not str(archives[catalogue].filename).endswith(".csv"):
            raise Problem(
                f"{catalogue!r} of config/datasets.yaml is not a catalogue (.csv)",
                *("boucaud2020", "published_catalogue"),
            )
        if catalogue in archives and archives[catalogue].url is None:
            raise Problem(
                f"{catalogue!r} of config/datasets.yaml has no url (with checksum): a catalogue "
                "is not looked up by its DOI",
                *("boucaud2020", "published_catalogue"),
            )
        for name, sample in self.farrens2022.samples.items():
            if sample.source == "archive":
                path = ("farrens2022", "samples", name, "archive")
                if known_archive(sample.archive, *path).members is None:
                    raise Problem(
                        f"{sample.archive!r} has no catalogue (members > catalog in "
                        "config/datasets.yaml)",
                        *path,
                    )
        for name, images in self.reiman2019.image_sets.items():
            if images.source == "archive" and images.archives:
                path = ("reiman2019", "image_sets", name, "archives")
                entries = [known_archive(archive, *path) for archive in images.archives]
                if len({archive.kaggle is None for archive in entries}) > 1:
                    raise Problem(
                        f"{', '.join(images.archives)} contain the same galaxies under "
                        "different names, which would get into several splits: choose Zenodo's or "
                        "Kaggle's",
                        *path,
                    )
        return self


class Archives(RootModel[dict[str, Archive]]):
    """Archives that can be downloaded, by name: the content of config/datasets.yaml."""


def validated(config: dict[str, Any], archives: dict[str, Any]) -> dict[str, Any]:
    """Check the configuration and add the default values.

    Parameters
    ----------
    config : dict
        The configuration files, merged by Snakemake.
    archives : dict
        Content of config/datasets.yaml.

    Returns
    -------
    dict
        Plain maps and lists. The given keys come first, in their order, then those with defaults.

    Raises
    ------
    DeblendError
        In one line: the path of the key, its value, and which values are allowed.
    """
    entries = _checked_archives(archives).root
    where = "configuration"
    _refuse_renamed(config, where)
    try:
        model = Config.model_validate(config, context={"archives": entries})
    except ValidationError as error:
        raise DeblendError(_first_problem(error, where)) from None
    return _plain(model, config)


def validated_archives(archives: dict[str, Any]) -> dict[str, Any]:
    """Check the content of config/datasets.yaml.

    Returns
    -------
    dict
        Plain maps and lists, with the given keys only.

    Raises
    ------
    DeblendError
        In one line, as by `validated`.
    """
    return _plain(_checked_archives(archives).root, archives, fill=False)


def _checked_archives(archives: dict[str, Any]) -> Archives:
    try:
        return Archives.model_validate(archives)
    except ValidationError as error:
        raise DeblendError(_first_problem(error, "config/datasets.yaml")) from None


def _plain(value: Any, given: Any, *, fill: bool = True) -> Any:
    """Content of a model as maps and lists, in the order of the given keys."""
    if isinstance(value, BaseModel):
        names = type(value).model_fields if fill else value.model_fields_set
        value = {name: getattr(value, name) for name in type(value).model_fields if name in names}
    if isinstance(value, dict):
        given = given if isinstance(given, dict) else {}
        keys = [
            *(key for key in given if key in value),
            *(key for key in value if key not in given),
        ]
        return {key: _plain(value[key], given.get(key), fill=fill) for key in keys}
    if isinstance(value, tuple | list):
        given = given if isinstance(given, list | tuple) else [None] * len(value)
        return [_plain(v, g, fill=fill) for v, g in zip(value, given, strict=True)]
    return value


def _refuse_renamed(config: dict[str, Any], where: str) -> None:
    """Raise an error that gives the new name if a key is given by its old name."""
    for old, new in RENAMED.items():
        for names in _matching_paths(config, old.split(" > ")):
            stars = (
                name for name, part in zip(names, old.split(" > "), strict=True) if part == "*"
            )
            new_path = " > ".join(next(stars) if part == "*" else part for part in new.split(" > "))
            raise DeblendError(
                f"{' > '.join([where, *names])}: this key has another name now: {new_path}"
            )


def _matching_paths(section: Any, parts: list[str]) -> list[list[str]]:
    """Paths in a section that match the parts of a key."""
    if not parts:
        return [[]]
    if not isinstance(section, dict):
        return []
    names = list(section) if parts[0] == "*" else [parts[0]]
    return [
        [name, *rest]
        for name in names
        if name in section
        for rest in _matching_paths(section[name], parts[1:])
    ]


def _first_problem(error: ValidationError, where: str) -> str:
    """Message about the first problem, in one line.

    Unknown keys come first, since a misspelt key may be the reason why another one is missing.
    """
    problems = error.errors(include_url=False)
    raised = [problem.get("ctx", {}).get("error") for problem in problems]
    unknown = [p for p, e in zip(problems, raised, strict=True) if isinstance(e, UnknownKey)]
    problem: Any = (unknown or problems)[0]
    path = [str(part) for part in problem["loc"] if not _is_pydantic_tag(part)]
    if problem["loc"] and problem["loc"][-1] == "[key]":
        path = path[:-1]
    if isinstance(cause := problem.get("ctx", {}).get("error"), Problem):
        path += cause.path
    if problem["type"] == "missing" and isinstance(problem["loc"][-1], int):
        path = path[:-1]
    text = public_text(_text(problem))
    return f"{' > '.join([where, *path])}: {text} (see {DESCRIPTION_FILE})"


def _is_pydantic_tag(part: int | str) -> bool:
    """Whether a part of an error's position was added by pydantic, such as "<files>" or "[key]"."""
    return isinstance(part, str) and part[:1] + part[-1:] in ("<>", "[]")


#: What a value has to be, for each type of pydantic's errors.
EXPECTED = {
    "int_type": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text",
    "tuple_type": "a list",
    "dict_type": "a map of keys to values",
    "model_type": "a map of keys to values",
    "model_attributes_type": "a map of keys to values",
}


def _text(problem: dict[str, Any]) -> str:
    """What is wrong with a value, and which values are allowed."""
    kind, context = problem["type"], problem.get("ctx", {})
    value = display_value(problem["input"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        in_list = isinstance(problem["loc"][-1], int)
        return f"{value} is too short" if in_list else "this key is missing"
    if kind in EXPECTED:
        return f"{value} is not {EXPECTED[kind]}{_hint(problem)}"
    if kind == "literal_error":
        return f"{value} is not one of [{context['expected'].replace(' or ', ', ')}]"
    if kind == "greater_than_equal":
        return f"{value} is less than the minimum of {context['ge']}"
    if kind == "greater_than":
        return f"{value} is less than or equal to the minimum of {context['gt']}"
    if kind == "less_than_equal":
        return f"{value} is greater than the maximum of {context['le']}"
    if kind == "less_than":
        return f"{value} is greater than or equal to the maximum of {context['lt']}"
    if kind == "multiple_of":
        return f"{value} is not a multiple of {context['multiple_of']}"
    if kind == "string_too_short":
        return f"{value} is empty"
    if kind == "too_short":
        return f"{value} is too short: it needs at least {context['min_length']}"
    if kind == "too_long":
        return f"{value} is too long: it can have at most {context['max_length']}"
    return f"{value}: {problem['msg']}"


def _hint(problem: dict[str, Any]) -> str:
    """How to write a number that came as text, as 1e-4 does and what `--config` nests."""
    value = problem["input"]
    if problem["type"] not in ("float_type", "int_type") or not isinstance(value, str):
        return ""
    try:
        number = float(value)
    except ValueError:
        return ""
    if not math.isfinite(number) or (problem["type"] == "int_type" and not number.is_integer()):
        return ""
    if problem["type"] == "int_type":
        text = str(int(number))
    else:
        mantissa, e, exponent = repr(number).partition("e")
        text = f"{mantissa if '.' in mantissa else mantissa + '.0'}{e}{exponent}"
    return f": write {text}, without quotes (in a file: --config makes texts of nested numbers)"


class _UniqueKeyLoader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """A YAML loader that refuses a key that is given twice; others use the last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a map; its keys are checked before those of `<<` are merged in."""
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            mark = key.start_mark
            line = mark.line + 1
            if key.value in seen:
                raise DeblendError(
                    f"{mark.name}, line {line}: the key {key.value} is given already in line "
                    f"{seen[key.value]}: keep one of them"
                )
            seen[key.value] = line
        return super().construct_mapping(node, deep)


def refuse_duplicate_keys(path: str | Path) -> None:
    """Raise an error if a map in a YAML file has a key twice.

    Parameters
    ----------
    path : path
        A configuration file. Invalid YAML is ignored: Snakemake reports it.

    Raises
    ------
    DeblendError
        With the file, the line and the key.
    """
    with open(path, encoding="utf-8") as file:
        loader = _UniqueKeyLoader(file)
        try:
            loader.get_single_data()
        except yaml.YAMLError:
            pass
        finally:
            loader.dispose()
