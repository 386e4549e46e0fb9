"""The ten numbers that say most about a run, beside those of a baseline and of the papers.

They are taken from the tables of results of each paper; nothing is measured here.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd
from deblend.report.claims import Tables
from deblend.report.numbers import Published

COLUMNS = ("paper", "number", "unit", "role", "method", "n", "value", "low", "high", "published")

#: What the words in each paper's lines of the text mean; those of the brackets come first.
BRACKETS = (
    "[ ]: 68 % interval, where the tables of results have one; ( ): published for the baseline"
)
NOTES = {
    "boucaud2020": (
        "sigma: scatter of the central galaxies' magnitudes, where SEP finds them;",
        "SEP: its isophotal fluxes, as in the paper; SEP AUTO: in Kron apertures",
    ),
    "farrens2022": (
        "accuracy: BlendHunter trained at about the realistic stamps' noise; "
        "close blends: parametric",
    ),
    "reiman2019": (
        "blend: the blend itself, taken as the answer; published PSNR: of both galaxies together",
    ),
    "hemmati2022": (
        "low, high: images of that resolution; flux error: of the brighter galaxy, at positions",
        "in images of low resolution and of the GAN",
    ),
}

#: What the text shows where there is no number.
NONE = "-"


class Value(NamedTuple):
    """A number of one method.

    Attributes
    ----------
    method : str
    published : float or [low, high] or None
        What the paper states for this method; None if it states nothing.
    value : float
        NaN if it was not measured.
    n : float
        Number of galaxies, blends or stamps that it is based on.
    low, high : float
        Ends of the 68 % interval; NaN if the table of results has none.
    """

    method: str
    published: Published | None
    value: float = math.nan
    n: float = math.nan
    low: float = math.nan
    high: float = math.nan


class Highlight(NamedTuple):
    """A number of this run's method, and the same number of baselines."""

    number: str
    unit: str
    ours: Value
    baselines: tuple[Value, ...] = ()


#: Column of a table of results for each field of `Value` that it has.
PHOTOMETRY = {"value": "sigma_mag", "n": "n", "low": "sigma_mag_low", "high": "sigma_mag_high"}
DETECTION = {"value": "Value", "n": "n", "low": "Low", "high": "High"}
REPRODUCTION = {"value": "reproduced", "n": "n", "low": "low", "high": "high"}


def _measured(
    tables: Tables, name: str, columns: Mapping[str, str], **row: object
) -> dict[str, float]:
    """Fields of `Value` from the only row of a table with these entries, if there is one."""
    table = tables.get(name)
    if table is None:
        return {}
    for column, entry in row.items():
        table = table[table[column] == entry]
    if len(table) != 1:
        return {}
    return {field: float(table[column].iloc[0]) for field, column in columns.items()}


def boucaud2020(
    tables: Tables,
    published: Mapping[str, Any],
    networks: Mapping[str, str],
    sextractor_flux: str = "isophotal",
) -> Iterator[Highlight]:
    """Scatter of the central galaxy's magnitude where SEP finds it (Fig. 5), and IoU (Sect. 4.4).

    Parameters
    ----------
    tables : dict
        `photometry` and `reproduction`.
    published : dict
        Section `boucaud2020` of `config/published.yaml`.
    networks : dict
        For each of the paper's names of networks: the name of the trained network.
    sextractor_flux : {"isophotal", "auto"}
        Fluxes of SEP that stand for SExtractor. The paper's numbers are of isophotal ones.
    """
    # The complete panels, those of the authors' catalogue, come last, so that they count.
    panels = {
        panel["network"]: panel["sigma"]
        for panel in sorted(published["panels"], key=lambda panel: "n" in panel)
        if panel["figure"] == "fig5" and panel["galaxy"] == "central" and "sigma" in panel
    }
    row = {"galaxy": "central", "selection": "found"}
    is_auto = sextractor_flux == "auto"
    method = "sep_auto" if is_auto else "sep_iso"
    sep = Value(
        "SEP AUTO" if is_auto else "SEP",
        None if is_auto else panels["sextractor"],
        **_measured(tables, "photometry", PHOTOMETRY, method=method, **row),
    )
    for name in ("blend2flux", "blend2mask2flux"):
        found = _measured(tables, "photometry", PHOTOMETRY, method=networks.get(name), **row)
        ours = Value(name, panels[name], **found)
        yield Highlight(f"sigma, {name}", "mag", ours, (sep,))
    for name, label in (("unet", "U-Net"), ("blend2mask2flux", "blend2mask2flux")):
        item = {"item": f"Sect. 4.4, {name}", "quantity": "mean_iou"}
        found = _measured(tables, "reproduction", REPRODUCTION, paper="boucaud2020", **item)
        yield Highlight(f"mean IoU, {label}", "", Value(name, published["mean_iou"][name], **found))


def farrens2022(
    tables: Tables, published: Mapping[str, Any], noise_sigma: float
) -> Iterator[Highlight]:
    """Accuracy on parametric close blends (Fig. 4) and on all realistic stamps (Sect. 4.3).

    Of heads that were trained at the noise nearest to that of the realistic stamps. Accuracies are
    means over realisations, as in the paper. Realisations share their galaxies, so the error of
    their mean is taken to be that of one.

    Parameters
    ----------
    tables : dict
        `parametric` and `realistic`.
    published : dict
        Section `farrens2022` of `config/published.yaml`.
    noise_sigma : float
        Noise of the realistic stamps, counts.
    """
    # The paper's accuracies are for the realistic stamps, and for SEP alone.
    sep_percent = published["sep_accuracy_percent"]
    for sample, subset, what, sep_published in (
        ("parametric", "close", "close blends", None),
        ("realistic", "all", "realistic stamps", sep_percent["all"]),
    ):
        table = tables.get(sample)
        values = {}
        if table is not None and len(table):
            table = table[table["subset"] == subset]
            nearest = min(table["noise_sigma"], key=lambda sigma: abs(sigma - noise_sigma))
            table = table[table["noise_sigma"] == nearest]
            for method, rows in table.groupby("method"):
                value, error = 100 * rows[["accuracy", "error"]].mean()
                values[method] = (value, rows["n"].mean(), value - error, value + error)
        ours = Value("BlendHunter", None, *values.get("BlendHunter", ()))
        sep = Value("SEP", sep_published, *values.get("SEP", ()))
        yield Highlight(f"accuracy, {what}", "%", ours, (sep,))


def reiman2019(tables: Tables, published: Mapping[str, Any]) -> Iterator[Highlight]:
    """Mean PSNR of both galaxies (Table 1), of the GAN and of the blend taken as the answer.

    Parameters
    ----------
    tables : dict
        `scores`.
    published : dict
        Section `reiman2019` of `config/published.yaml`.
    """
    scores = tables.get("scores")
    for galaxy in ("central", "companion"):
        found = {}
        if scores is not None:
            of_galaxy = scores[scores["galaxy"] == galaxy].groupby("method")["psnr_db"]
            found = {m: (float(v.mean()), float(v.count())) for m, v in of_galaxy}
        # The paper's mean is that of both galaxies.
        ours = Value("GAN", published["table1"]["psnr_db"]["mean"], *found.get("gan", ()))
        blend = Value("blend", None, *found.get("blend", ()))
        yield Highlight(f"PSNR, {galaxy}", "dB", ours, (blend,))


def hemmati2022(tables: Tables, published: Mapping[str, Any]) -> Iterator[Highlight]:
    """Share of blends of which both galaxies are detected, and gain in flux error (Abstract).

    Parameters
    ----------
    tables : dict
        `detection`.
    published : dict
        Section `hemmati2022` of `config/published.yaml`.
    """

    def measured(quantity: str, resolution: str) -> dict[str, float]:
        row = {"Quantity": quantity, "Resolution": resolution}
        return _measured(tables, "detection", DETECTION, **row)

    percent = published["detected_percent"]
    gan, low, high = (
        Value(name, percent[name.lower()], **measured("Blends detected (%)", name))
        for name in ("GAN", "low", "high")
    )
    yield Highlight("blends detected", "%", gan, (low, high))
    gain = measured("Median |flux error|, low over GAN", "GAN")
    ours = Value("GAN", published["flux_improvement"], **gain)
    yield Highlight("flux error, low over GAN", "", ours)


def find_highlights(
    tables: Tables,
    published: Mapping[str, Any],
    papers: Iterable[str],
    networks: Mapping[str, str],
    noise_sigma: float,
    sextractor_flux: str = "isophotal",
) -> dict[str, list[Highlight]]:
    """The most telling numbers of each paper: ten of all four.

    Parameters
    ----------
    tables : dict
        Tables of results, see the functions of the papers. If one is absent, or lacks a row, its
        numbers are NaN.
    published : dict
        Content of `config/published.yaml`.
    papers : iterable of str
    networks, sextractor_flux
        See `boucaud2020`.
    noise_sigma : float
        See `farrens2022`.
    """
    found = {
        "boucaud2020": lambda numbers: boucaud2020(tables, numbers, networks, sextractor_flux),
        "farrens2022": lambda numbers: farrens2022(tables, numbers, noise_sigma),
        "reiman2019": lambda numbers: reiman2019(tables, numbers),
        "hemmati2022": lambda numbers: hemmati2022(tables, numbers),
    }
    return {paper: list(found[paper](published[paper])) for paper in papers}


def highlights_table(found: Mapping[str, list[Highlight]]) -> pd.DataFrame:
    """Numbers of all papers, as a table.

    Parameters
    ----------
    found : dict
        Numbers by paper.

    Returns
    -------
    DataFrame
        `COLUMNS`: for each number one row of ours and one of each baseline (`role`); `low` and
        `high` are the ends of the 68 % interval, `published` is what the paper states, as text.
        Empty where there is none.
    """
    rows = [
        (
            *(paper, number, unit, "baseline" if i else "ours", value.method, value.n),
            *(value.value, value.low, value.high, _published(value.published)),
        )
        for paper, numbers in found.items()
        for number, unit, ours, baselines in numbers
        for i, value in enumerate((ours, *baselines))
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"n": "Int64"})


def highlights_text(
    found: Mapping[str, list[Highlight]],
    names: Mapping[str, str],
    scale: str,
    remarks: Mapping[str, str],
) -> str:
    """The same for the terminal, in lines of at most 100 characters.

    Parameters
    ----------
    found : dict
        Numbers by paper.
    names : dict
        Heading of each paper.
    scale : str
        Scale of the run.
    remarks : dict
        What of a paper's run is not as in the paper.
    """
    header = ("", "n", "this run", "baseline", "published")
    lines: list[str | tuple[str, ...]] = [header]
    for paper, numbers in found.items():
        lines.append(names[paper])
        lines += [_cells(number) for number in numbers]
    cells = [line for line in lines if isinstance(line, tuple)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    text = [f"Results at {scale} scale"]
    for line in lines:
        if isinstance(line, tuple):
            label, n, *rest = (cell.ljust(w) for cell, w in zip(line, widths, strict=True))
            line = "  ".join([f"  {label}", n.strip().rjust(widths[1]), *rest]).rstrip()
        text.append(line)
    notes = [
        line
        for paper in found
        for line in (*NOTES[paper], *([remarks[paper]] if remarks.get(paper) else []))
    ]
    return "\n".join([*text, BRACKETS, *notes]) + "\n"


def _cells(highlight: Highlight) -> tuple[str, str, str, str, str]:
    """Cells of a number's line in the text."""
    number, unit, ours, baselines = highlight
    value = _number(ours.value)
    if math.isfinite(ours.low) and math.isfinite(ours.high):
        value += f" [{_number(ours.low)}, {_number(ours.high)}]"
    published = _published(ours.published) or NONE
    if any(baseline.published is not None for baseline in baselines):
        published += f" ({', '.join(_published(b.published) or NONE for b in baselines)})"
    return (
        f"{number} ({unit})" if unit else number,
        NONE if math.isnan(ours.n) else f"{ours.n:.0f}",
        value,
        ", ".join(f"{b.method} {_number(b.value)}" for b in baselines) or NONE,
        published,
    )


def _number(value: float) -> str:
    """A number with three significant digits."""
    # The alternate form (#) keeps trailing zeros.
    return f"{value:#.3g}".rstrip(".") if math.isfinite(value) else NONE


def _published(value: Published | None) -> str:
    """A published number or range as text."""
    if value is None:
        return ""
    return "-".join(f"{v:g}" for v in (value if isinstance(value, list) else [value]))
