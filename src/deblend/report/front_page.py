"""The first page of the report: what ran, the most telling numbers, claims and findings."""

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd
from deblend.report.comparisons import VERDICTS
from deblend.report.pages import NONE, html_table, interval_text


def what_ran(
    provenance: Mapping[str, Any], numbers: pd.DataFrame, titles: Mapping[str, str]
) -> pd.DataFrame:
    """Scale, data and weights, backend, machine and code of a run.

    Parameters
    ----------
    provenance : dict
        From `deblend.run.provenance.provenance`.
    numbers : DataFrame
        `tables/reproduction.csv`, whose `configuration` says what each paper's numbers are from.
    titles : dict
        Title of each paper.

    Returns
    -------
    DataFrame of str
        `what` and `this run`.
    """
    config, networks = provenance["config"], provenance["networks"].values()
    git = provenance.get("git") or {}
    commit = git.get("commit") or "not known: the code is not in a clone"
    if git.get("modified"):
        commit += ", with changes that are not committed"
    backends = sorted({f"{one['backend']} {one.get('backend_version', '')}" for one in networks})
    devices = sorted({f"{one['device']}, {one['threads']} threads" for one in networks})
    rows = [("scale", config["scale"])]
    runs = numbers[["paper", "configuration"]].dropna().drop_duplicates()
    rows += [
        (titles.get(row.paper, row.paper), row.configuration.removeprefix(f"{rows[0][1]} scale, "))
        for row in runs.itertuples()
    ]
    rows += [
        ("networks", f"{len(networks)}, trained in this run"),
        ("backends", "; ".join(backends) or NONE),
        ("devices", "; ".join(devices) or NONE),
        ("commit", commit),
        ("seed", str(provenance["seed"])),
        ("Python", f"{provenance['python']}, {provenance['machine']}"),
        ("packages", ", ".join(f"{k} {v}" for k, v in provenance["packages"].items())),
    ]
    return pd.DataFrame(rows, columns=["what", "this run"])


def telling_numbers(highlights: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """The ten most telling numbers, each in a row with its baselines and the published one.

    Parameters
    ----------
    highlights : DataFrame
        `tables/highlights.csv`, with `published` as text.
    titles : dict
        Title of each paper.
    """
    rows = []
    highlights = highlights.fillna({"published": "", "unit": ""})
    for (paper, number), part in highlights.groupby(["paper", "number"], sort=False):
        ours = part[part["role"] == "ours"].iloc[0]
        others = part[part["role"] == "baseline"]
        published = [ours["published"]] if ours["published"] else []
        published += [
            f"{row.method} {row.published}" for row in others.itertuples() if row.published
        ]
        rows.append(
            {
                "paper": titles.get(paper, paper),
                "number": f"{number} ({ours['unit']})" if ours["unit"] else number,
                "n": NONE if pd.isna(ours["n"]) else f"{ours['n']:,.0f}",
                "this run": interval_text(ours["value"], ours["low"], ours["high"]),
                "baseline": ", ".join(
                    f"{row.method} {interval_text(row.value, row.low, row.high)}"
                    for row in others.itertuples()
                )
                or NONE,
                "published": "; ".join(published) or NONE,
            }
        )
    return pd.DataFrame(rows)


def claim_counts(claims: pd.DataFrame) -> pd.DataFrame:
    """Number of claims of each paper by verdict.

    Parameters
    ----------
    claims : DataFrame
        From `deblend.report.comparisons.claim_rows`.
    """
    counts = pd.crosstab(claims["paper"], claims["verdict"]).reindex(columns=list(VERDICTS))
    counts = counts.fillna(0).astype(int).astype(str)
    known = claims[claims["authors' data, as stated"] != NONE]
    holds = known["authors' data, as stated"].eq("holds").groupby(known["paper"])
    theirs = holds.sum().astype(str) + " of " + holds.size().astype(str)
    counts["authors' data: hold as stated"] = theirs.reindex(counts.index).fillna(NONE)
    counts.columns.name = None
    return counts.loc[list(dict.fromkeys(claims["paper"]))].rename_axis("paper").reset_index()


def front_page(
    provenance: Mapping[str, Any],
    numbers: pd.DataFrame,
    highlights: pd.DataFrame,
    claims: pd.DataFrame,
    findings: pd.DataFrame,
    titles: Mapping[str, str],
) -> str:
    """The first page in HTML, without head and body: the report puts it into a page of its own.

    Parameters
    ----------
    provenance, numbers, titles
        See `what_ran`.
    highlights : DataFrame
        See `telling_numbers`.
    claims, findings : DataFrame
        From `deblend.report.comparisons`.
    """
    parts = [
        "<h2>What ran</h2>",
        html_table(what_ran(provenance, numbers, titles)),
        "<h2>The most telling numbers</h2>",
        "<p>With 68 % intervals; SEP stands for SExtractor. "
        "All published numbers are in All papers, Published numbers.</p>",
        html_table(telling_numbers(highlights, titles)),
        "<h2>Claims that hold, and that do not</h2>",
        html_table(claim_counts(claims)),
    ]
    for paper, part in claims.groupby("paper", sort=False):
        tested = part[part["verdict"] != VERDICTS[-1]]
        order = tested["verdict"].map(VERDICTS.index).sort_values(kind="stable").index
        shown = tested.loc[order, ["verdict", "where", "claim", "network or method"]]
        parts.append(
            f"<details><summary>{html.escape(str(paper))}: {len(shown)} claims that were tested"
            f"</summary>\n{html_table(shown)}</details>"
        )
    parts += [
        "<h2>Findings about the papers</h2>",
        html_table(findings[["paper", "where", "found", "numbers", "verdict"]])
        if len(findings)
        else "<p>None in this run.</p>",
    ]
    return "\n".join(parts)
