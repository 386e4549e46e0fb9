"""Descriptions of trained networks (`network.json`), which users copy and pass on.

They are checked before anything is built from them: a number in one decides how much memory a
network takes. No large packages are imported here, since the rules of the workflow use it.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from deblend.config_base import (
    Count,
    Integer,
    NonNegativeInteger,
    NotNegative,
    Positive,
    Real,
    Text,
)
from deblend.errors import DeblendError
from deblend.files import read_json
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

#: Parameters that a network may have that are not in its file of weights, to be small.
FEW_PARAMETERS = 10_000_000
#: Most parameters for each byte of the file of weights: a compressed file of half precision.
PER_BYTE = 2
#: What is wrong with a network that a description is not of, by what building it raises.
BROKEN = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError)

Side = Annotated[Integer, Field(ge=1, le=10_000)]
#: Layers that are built one after the other.
Depth = Annotated[NonNegativeInteger, Field(le=1000)]
Range = tuple[Real, Real]


class _Part(BaseModel):
    """A part of a description, which can have other keys."""

    model_config = ConfigDict(extra="allow")


class Options(_Part):
    """What the builders of networks take."""

    filters: Count | None = None
    dense_units: Count | None = None
    levels: Depth | None = None
    blocks: Depth | None = None
    root_blocks: Depth | None = None
    branch_blocks: Depth | None = None
    # A U-Net halves its images so often.
    depth: Annotated[Integer, Field(ge=1, le=16)] | None = None
    asinh_softening: Positive | None = None
    flux_scale: Positive | None = None
    unet_options: "Options | None" = None


class Images(_Part):
    """Images that a super-resolution network takes and makes."""

    pixel_scale_arcsec: Positive
    factor: Count
    detection_band: Text
    low_psf_fwhm_arcsec: Positive | list[Positive]
    zero_point: list[Real]
    noise_low: list[Positive]
    softening_low: list[Positive]
    softening_high: list[Positive]
    limit_low: list[Positive]
    limit_high: list[Positive]


class Peaks(_Part):
    """How peaks are found in the images of a super-resolution network."""

    threshold: Real | None = None
    noise: Real | None = None
    fwhm_arcsec: Positive | None = None


class Crop(_Part):
    """Part of an image that a separator takes."""

    crop_px: Side | None = None
    reduce_by: Side | None = None


class Description(Options):
    """The keys that networks are built and applied with, as far as they are there."""

    architecture: Text | None = None
    stamp_size: Side | None = None
    padding_px: Annotated[NonNegativeInteger, Field(le=10_000)] | None = None
    pixel_scale_arcsec: Positive | None = None
    zero_point: Real | None = None
    softening: Positive | None = None
    limit: Positive | None = None
    psf_fwhm_arcsec: Positive | None = None
    noise_sigma: NotNegative | None = None
    mag_range: Range | None = None
    radius_range_arcsec: Range | None = None
    band: Text | None = None
    bands: Annotated[list[Text], Field(min_length=1, max_length=1000)] | None = None
    options: Options | None = None
    images: Images | None = None
    peaks: Peaks | None = None
    perturbation: Crop | None = None
    blending: dict[str, Any] | None = None
    ablation: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_a_value_for_each_band(self) -> "Description":
        if self.images is None or self.bands is None:
            return self
        for name, value in self.images:
            if isinstance(value, list) and len(value) != len(self.bands):
                raise ValueError(
                    f"images has {len(value)} {name}, and there are {len(self.bands)} bands"
                )
        return self


def read_description(path: str | Path) -> dict[str, Any]:
    """Read the description of a network.

    Parameters
    ----------
    path : path
        `network.json`.

    Returns
    -------
    dict
        As it is in the file.

    Raises
    ------
    DeblendError
        It is missing or no JSON, or one of the keys of `Description` has a value that it cannot
        have.
    """
    record = read_json(path)
    with building(path):
        Description.model_validate(record)
    return record


@contextlib.contextmanager
def building(description: str | Path) -> Iterator[None]:
    """Say which file is wrong if a network cannot be built as it says.

    Raises
    ------
    DeblendError
    """
    try:
        yield
    except ValidationError as error:
        raise _wrong(description, _first(error)) from error
    except KeyError as error:
        raise _wrong(description, f"it lacks {error}") from error
    except (DeblendError, ValueError, *BROKEN) as error:
        # Libraries write whole layers after their first line.
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise _wrong(description, reason) from error


def refuse_large(n_parameters: int, weights: str | Path) -> None:
    """Refuse a network that is far larger than its file of weights, before it takes memory.

    Parameters
    ----------
    n_parameters : int
    weights : path

    Raises
    ------
    DeblendError
        It has more than `FEW_PARAMETERS`, and than `PER_BYTE` for each byte of the file.
    """
    size = Path(weights).stat().st_size if Path(weights).exists() else 0
    if n_parameters > max(FEW_PARAMETERS, PER_BYTE * size):
        raise DeblendError(
            f"a network of {n_parameters} parameters is not in {weights}, which has {size} bytes"
        )


def _first(error: ValidationError) -> str:
    """The first thing that a description has wrong, in one line."""
    found = error.errors(include_url=False)[0]
    where = " > ".join(map(str, found["loc"]))
    given = repr(found["input"])
    shown = f"{given[:40]}..." if len(given) > 40 else given
    return f"{where}: {found['msg']}; it is {shown}" if where else str(found["msg"])


def _wrong(description: str | Path, reason: str) -> DeblendError:
    return DeblendError(
        f"{description} describes no network that can be built ({reason}): copy it again with its "
        "weights, or train the network again"
    )
