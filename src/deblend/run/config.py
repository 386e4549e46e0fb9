"""The whole configuration: the papers' sections joined, checked against each other, and filled in.

Nothing heavy is imported here: Snakemake reads this whenever it starts.
"""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from deblend.boucaud2020.config import Blend2Mask2Flux, Boucaud2020, DataSet, Network, NetworkName
from deblend.config_base import (
    Count,
    Integer,
    Name,
    Problem,
    Section,
    Text,
    Unique,
    UnknownKey,
    shown,
)
from deblend.data.config import Archive
from deblend.errors import DeblendError
from deblend.farrens2022.config import Farrens2022
from deblend.hemmati2022.config import Hemmati2022
from deblend.reiman2019.config import Reiman2019
from pydantic import (
    BaseModel,
    Field,
    RootModel,
    ValidationError,
    ValidationInfo,
    model_validator,
)

#: Where the keys are described, which errors refer to.
DESCRIBED_IN = "docs/configuration.md"

#: Key that has moved to the key that it is now, each with " > " between its parts. A part of the
#: old one may be "*": any name; such parts of the new one are the same names, in order.
RENAMED: dict[str, str] = {}

Paper = Literal["boucaud2020", "farrens2022", "reiman2019", "hemmati2022"]


class Pathvars(Section):
    """Where things are written."""

    results: Text = Field(default="results", description="Folder of results.")
    resources: Text = Field(default="resources", description="Folder of downloads.")


class Threads(Section):
    """Threads of the frameworks."""

    training: Count = Field(default=8, description="Threads of training and prediction.")


class Config(Section):
    """Configuration of the workflow."""

    scale: Literal["paper", "small", "toy", "custom"] = Field(
        default="paper", description="Shown in figures and recorded with results."
    )
    papers: Annotated[tuple[Paper, ...], Unique()] = Field(
        default=("boucaud2020", "farrens2022", "reiman2019", "hemmati2022"),
        min_length=1,
        description="Papers whose figures, tables and numbers are made when no target is named.",
    )
    pathvars: Pathvars = Field(default=Pathvars(), description="Where things are written.")
    seed: Integer = Field(
        default=2020, ge=0, le=2147483647, description="Seed of everything that is drawn."
    )
    backend: Literal["tensorflow", "torch", "jax"] = Field(
        default="tensorflow",
        description="Keras' backend; the environment variable KERAS_BACKEND comes first.",
    )
    threads: Threads = Field(default=Threads(), description="Threads of the frameworks.")
    datasets: dict[Name, DataSet] = Field(
        min_length=1, description="Data sets by name; keys depend on the source."
    )
    networks: dict[NetworkName, Network] = Field(
        description="Networks by name; sep stands for the classical baseline; keys depend on the "
        "architecture."
    )
    boucaud2020: Boucaud2020 = Field(default=Boucaud2020(), description="Boucaud et al. 2020.")
    farrens2022: Farrens2022 = Field(description="Farrens et al. 2022, BlendHunter.")
    reiman2019: Reiman2019 = Field(description="Reiman & Goehre 2019, the branched GAN.")
    hemmati2022: Hemmati2022 = Field(description="Hemmati et al. 2022, super-resolution.")

    def _require(self, kind: Literal["datasets", "networks"], name: str, *path: str) -> None:
        there = getattr(self, kind)
        if name not in there:
            raise Problem(
                f"there is no {name!r} under {kind}; there are {', '.join(sorted(there))}", *path
            )

    @model_validator(mode="after")
    def _networks_have_data_sets(self) -> "Config":
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
                    f"to be a unet trained on {network.dataset}, whose test galaxies it then has "
                    "not seen",
                    *path,
                )
        return self

    @model_validator(mode="after")
    def _boucaud_has_its_networks(self) -> "Config":
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
            found = self.networks[name].architecture
            if found != kind:
                raise Problem(f"{name!r} is a {found}, not a {kind}", "boucaud2020", key)
        return self

    @model_validator(mode="after")
    def _sets_have_names_of_their_own(self) -> "Config":
        # All are folders beside each other.
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

        def of(name: str | None, *path: str) -> Archive:
            if name is None or name not in archives:
                shown = "null" if name is None else repr(name)
                raise Problem(
                    f"there is no {shown} in config/datasets.yaml; there are {', '.join(archives)}",
                    *path,
                )
            return archives[name]

        for name, entry in self.datasets.items():
            if entry.source == "archive":
                path: tuple[str, ...] = ("datasets", name, "archive")
                members = of(entry.archive, *path).members
                if members is None or members.images is None:
                    raise Problem(
                        f"{entry.archive!r} has no stamps (members > images in "
                        "config/datasets.yaml)",
                        *path,
                    )
        for name, sample in self.farrens2022.samples.items():
            if sample.source == "archive":
                path = ("farrens2022", "samples", name, "archive")
                if of(sample.archive, *path).members is None:
                    raise Problem(
                        f"{sample.archive!r} has no catalogue (members > catalog in "
                        "config/datasets.yaml)",
                        *path,
                    )
        for name, images in self.reiman2019.image_sets.items():
            if images.source == "archive" and images.archives:
                path = ("reiman2019", "image_sets", name, "archives")
                found = [of(archive, *path) for archive in images.archives]
                if len({archive.kaggle is None for archive in found}) > 1:
                    raise Problem(
                        f"{', '.join(images.archives)} have the same galaxies under other names, "
                        "which no split keeps apart: choose Zenodo's or Kaggle's",
                        *path,
                    )
        return self


class Archives(RootModel[dict[str, Archive]]):
    """Archives that can be downloaded, by name: config/datasets.yaml."""


def validated(config: dict[str, Any], archives: dict[str, Any]) -> dict[str, Any]:
    """Check the configuration and fill in its defaults.

    Parameters
    ----------
    config : dict
        As Snakemake merged it.
    archives : dict
        Content of config/datasets.yaml.

    Returns
    -------
    dict
        Plain maps and lists, keys in the order in which they were given, then those with defaults.

    Raises
    ------
    DeblendError
        One line: the key with its path, its value, and what it can be.
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
        Plain maps and lists, with the keys that were given.

    Raises
    ------
    DeblendError
        One line, as `validated`.
    """
    return _plain(_checked_archives(archives).root, archives, fill=False)


def _checked_archives(archives: dict[str, Any]) -> Archives:
    try:
        return Archives.model_validate(archives)
    except ValidationError as error:
        raise DeblendError(_first_problem(error, "config/datasets.yaml")) from None


def _plain(value: Any, given: Any, *, fill: bool = True) -> Any:
    """A model's content as maps and lists, in the order of what was given."""
    if isinstance(value, BaseModel):
        there = type(value).model_fields if fill else value.model_fields_set
        value = {name: getattr(value, name) for name in type(value).model_fields if name in there}
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
    """Name the new key where an old one is given."""
    for old, new in RENAMED.items():
        for names in _places(config, old.split(" > ")):
            stars = (
                name for name, part in zip(names, old.split(" > "), strict=True) if part == "*"
            )
            now = " > ".join(next(stars) if part == "*" else part for part in new.split(" > "))
            raise DeblendError(
                f"{' > '.join([where, *names])}: this key has another name now: {now}"
            )


def _places(section: Any, parts: list[str]) -> list[list[str]]:
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
        for rest in _places(section[name], parts[1:])
    ]


def _first_problem(error: ValidationError, where: str) -> str:
    """One line on the first problem; a key that is not known may be why another one is missing."""
    problems = error.errors(include_url=False)
    raised = [problem.get("ctx", {}).get("error") for problem in problems]
    unknown = [p for p, e in zip(problems, raised, strict=True) if isinstance(e, UnknownKey)]
    problem: Any = (unknown or problems)[0]
    place = [str(part) for part in problem["loc"] if not _is_mark(part)]
    if problem["loc"] and problem["loc"][-1] == "[key]":
        place = place[:-1]
    if isinstance(found := problem.get("ctx", {}).get("error"), Problem):
        place += found.path
    if problem["type"] == "missing" and isinstance(problem["loc"][-1], int):
        place = place[:-1]
    return f"{' > '.join([where, *place])}: {_text(problem)} (see {DESCRIBED_IN})"


def _is_mark(part: int | str) -> bool:
    """Whether a part of a place is pydantic's and not a key: a kind, or that a key is meant."""
    return isinstance(part, str) and part[:1] + part[-1:] in ("<>", "[]")


#: What a value is not, by the type of pydantic's error.
KINDS = {
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
    """What is wrong with a value, and what it can be."""
    kind, context = problem["type"], problem.get("ctx", {})
    value = shown(problem["input"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        missing = isinstance(problem["loc"][-1], int)
        return f"{value} is too short" if missing else "this key is missing"
    if kind in KINDS:
        return f"{value} is not {KINDS[kind]}{_hint(problem)}"
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
        return f"{value} is too short: it takes {context['min_length']} at least"
    if kind == "too_long":
        return f"{value} is too long: it takes {context['max_length']} at most"
    return f"{value}: {problem['msg']}"


def _hint(problem: dict[str, Any]) -> str:
    """How to write a number that YAML takes for text: 1e-4 is one."""
    value = problem["input"]
    if problem["type"] != "float_type" or not isinstance(value, str):
        return ""
    try:
        number = float(value)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    text = repr(number)
    mantissa, e, exponent = text.partition("e")
    text = f"{mantissa if '.' in mantissa else mantissa + '.0'}{e}{exponent}"
    return f": write {text}, without quotes"


class _UniqueKeyLoader(yaml.SafeLoader):
    """A loader that refuses a key that is there twice, of which YAML takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A map, its keys looked at before merged ones (`<<`) come among them."""
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            line = key.start_mark.line + 1
            if key.value in seen:
                raise DeblendError(
                    f"{self.name}, line {line}: the key {key.value} is there already, in line "
                    f"{seen[key.value]}: keep one of them"
                )
            seen[key.value] = line
        return super().construct_mapping(node, deep)


def refuse_duplicate_keys(path: str | Path) -> None:
    """Raise an error where a key is given twice in a map of a YAML file.

    Parameters
    ----------
    path : path
        Of a configuration file. What is not YAML is left to Snakemake.

    Raises
    ------
    DeblendError
        Names the file, the line and the key.
    """
    with open(path, encoding="utf-8") as file:
        loader = _UniqueKeyLoader(file)
        try:
            loader.get_single_data()
        except yaml.YAMLError:
            pass
        finally:
            loader.dispose()
