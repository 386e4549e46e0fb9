"""Write the parts of the documentation that come from the rules and from the archives.

    python tools/document_workflow.py

- `docs/results.md`: the files that each rule makes, between `<!-- outputs -->` and its end;
- `docs/PAPER.md`: the chain of a paper's rules, between `<!-- rules PAPER -->` and its end, and
  its picture, `docs/PAPER_rules.svg`: the rules of `make small`;
- `docs/datasets.md`: the archives of `config/datasets.yaml`, between `<!-- archives -->` and
  its end.

A test checks that the pages are what this program writes.
"""

import html
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from whole_workflow import whole_workflow

ROOT = Path(__file__).parents[1]
PAPERS = {
    "boucaud2020": "Boucaud et al. 2020",
    "farrens2022": "Farrens et al. 2022",
    "reiman2019": "Reiman & Göhre 2019",
    "hemmati2022": "Hemmati et al. 2022",
}
TITLES = {"datasets": "Data sets", "downloads": "Downloads", "scenes": "Your own images"}
#: Of boxes of the picture, pixels.
HEIGHT, GAP_X, GAP_Y, CHARACTER, MARGIN = 26, 14, 34, 6.6, 12
COLOURS = {"datasets": "#e3e3e3", "downloads": "#e3e3e3", "report": "#ffffff"}
OWN = "#cfe3f5"

Rules = dict[str, dict[str, Any]]
Edges = set[tuple[str, str]]


def read_rules() -> tuple[Rules, Edges]:
    """Rules of the workflow, and which of them need which at small scale.

    Returns
    -------
    rules : dict
        For the name of each rule `file`, `message` and `outputs` (paths).
    edges : set of tuple
        Pairs: a rule whose outputs another one reads, and that rule.
    """
    with whole_workflow([ROOT / "config/small.yaml"]) as workflow:
        rules = {
            rule.name: {
                "file": Path(rule.snakefile).stem,
                "message": rule.message or "",
                "outputs": [str(path) for path in rule.output],
            }
            for rule in workflow.rules
        }
        edges = {
            (needed.rule.name, job.rule.name)
            for job in workflow.dag.jobs
            for needed in workflow.dag.dependencies[job]
        }
    return rules, edges


def plain(text: str) -> str:
    """A message or path with the names of wildcards in capitals."""
    text = re.sub(
        r"\{wildcards\.(\w+)\}|\{(\w+)(?:,[^}]*)?\}", lambda m: (m[1] or m[2]).upper(), text
    )
    return text.replace("results/small/", "results/").replace("|", "\\|")


def grouped(paths: Iterable[str]) -> str:
    """Paths in one cell; those that differ in the suffix only are written as one."""
    stems: dict[str, list[str]] = {}
    for path in map(plain, paths):
        stem, _, suffix = path.rpartition(".") if "." in Path(path).name else (path, "", "")
        stems.setdefault(stem, []).append(suffix)
    names = []
    for stem, suffixes in stems.items():
        several = f"{{{','.join(sorted(suffixes))}}}" if len(suffixes) > 1 else suffixes[0]
        names.append(f"`{stem}.{several}`" if several else f"`{stem}`")
    return ", ".join(names)


def outputs_page(rules: Rules) -> str:
    """Tables of all files, by rule file."""
    lines = []
    for file in dict.fromkeys(rule["file"] for rule in rules.values()):
        mine = {n: r for n, r in rules.items() if r["file"] == file and r["outputs"]}
        if not mine:
            continue
        title = PAPERS.get(file) or TITLES.get(file) or file.capitalize()
        lines += ["", f"### {title}", "", "| files | what is done | rule |", "|---|---|---|"]
        lines += [
            f"| {grouped(rule['outputs'])} | {plain(rule['message'])} | `{name}` |"
            for name, rule in mine.items()
        ]
    return "\n".join([*lines, ""])


def of_paper(paper: str, rules: Rules, edges: Edges) -> tuple[list[str], Edges]:
    """Rules of a paper, with those of data sets and downloads that they need, and their edges."""
    others = [name for name in PAPERS if name != paper]
    kept = {n for pair in edges for n in pair if rules[n]["file"] == paper}
    growing = True
    while growing:
        more = {a for a, b in edges if b in kept and rules[a]["file"] not in others} - kept
        kept |= more
        growing = bool(more)
    inside = {(a, b) for a, b in edges if a in kept and b in kept}
    return [name for name in rules if name in kept], inside


def layers(names: list[str], edges: Edges) -> list[list[str]]:
    """Rules by the longest way to them; in a layer near those that they need."""
    level = dict.fromkeys(names, 0)
    for _ in names:
        for a, b in edges:
            if a != b:
                level[b] = max(level[b], level[a] + 1)
    found = [[n for n in names if level[n] == i] for i in range(max(level.values()) + 1)]
    for above, row in zip(found, found[1:], strict=False):
        place = {name: i for i, name in enumerate(above)}

        def middle(name: str, place: dict[str, int] = place) -> float:
            at = [place[a] for a, b in edges if b == name and a in place]
            return sum(at) / len(at) if at else len(place)

        row.sort(key=middle)
    return found


def picture(paper: str, rules: Rules, edges: Edges) -> str:
    """The chain of a paper's rules as SVG, from above to below."""
    names, inside = of_paper(paper, rules, edges)
    direct = {
        (a, b) for a, b in inside if not any((a, c) in inside and (c, b) in inside for c in names)
    }
    label = {name: name.removeprefix(f"{paper}_").replace("_", " ") for name in names}
    wide = {name: round(CHARACTER * len(label[name]) + 16) for name in names}
    rows = layers(names, direct)
    total = max(sum(wide[n] + GAP_X for n in row) for row in rows) + 2 * MARGIN
    at: dict[str, tuple[float, float]] = {}
    for i, row in enumerate(rows):
        x = (total - sum(wide[n] + GAP_X for n in row) + GAP_X) / 2
        for name in row:
            at[name] = (x, MARGIN + i * (HEIGHT + GAP_Y))
            x += wide[name] + GAP_X
    height = 2 * MARGIN + len(rows) * (HEIGHT + GAP_Y) - GAP_Y
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total:.0f} {height}" '
        f'width="{total:.0f}" height="{height}" font-family="sans-serif" font-size="12">',
        f"<title>Rules of {html.escape(PAPERS[paper])}</title>",
        f'<rect width="{total:.0f}" height="{height}" fill="white"/>',
    ]
    for a, b in sorted(direct):
        (xa, ya), (xb, yb) = at[a], at[b]
        xa, ya, xb = xa + wide[a] / 2, ya + HEIGHT, xb + wide[b] / 2
        lines.append(
            f'<path d="M{xa:.0f} {ya} C{xa:.0f} {ya + 20} {xb:.0f} {yb - 20} {xb:.0f} {yb}" '
            'fill="none" stroke="#888888"/>'
        )
    for name in names:
        x, y = at[name]
        colour = COLOURS.get(rules[name]["file"], OWN)
        lines += [
            f'<rect x="{x:.0f}" y="{y}" width="{wide[name]}" height="{HEIGHT}" rx="4" '
            f'fill="{colour}" stroke="#555555"/>',
            f'<text x="{x + wide[name] / 2:.0f}" y="{y + 17}" text-anchor="middle">'
            f"{html.escape(label[name])}</text>",
        ]
    return "\n".join([*lines, "</svg>", ""])


def chain(paper: str) -> str:
    """The picture on a paper's page."""
    return (
        f"![Rules of {PAPERS[paper]}]({paper}_rules.svg)\n\n"
        "*What is made from what at small scale, from above to below. Grey: data sets and "
        "downloads, which papers share. The [table of files](results.md) says what each rule "
        "makes.*\n"
    )


def size(entry: dict[str, Any]) -> str:
    """Size of an archive's file, or what is known of it."""
    exact = entry.get("n_bytes", "unknown")
    number = entry.get("about_bytes", "unknown") if exact == "unknown" else exact
    if number == "unknown":
        return "unknown"
    about = "about " if exact == "unknown" else ""
    unit, name = next(
        (u, n) for u, n in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")) if number >= u
    )
    return f"{about}{number / unit:.3g} {name}"


def address(entry: dict[str, Any]) -> str:
    """Where an archive is."""
    if "doi" in entry:
        return f"[{entry['doi']}](https://doi.org/{entry['doi']})"
    if "kaggle" in entry:
        return f"[Kaggle](https://www.kaggle.com/c/{entry['kaggle']}), with your token"
    if "vizier" in entry:
        return f"VizieR, `{entry['vizier']}`"
    assembled = " (assembled)" if entry.get("address") == "assembled" else ""
    return f"[{entry['filename']}]({entry['url']}){assembled}"


def archives() -> str:
    """Table of the archives."""
    entries = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
    lines = [
        "<!-- facts config/datasets.yaml -->",
        "",
        "| entry | what | where | size | licence | cite |",
        "|---|---|---|---|---|---|",
    ]
    for name, entry in entries.items():
        cells = [f"`{name}`", entry["title"], address(entry), size(entry)]
        cells += [str(entry.get("licence", "unknown")), entry["citation"]]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, "", "<!-- /facts -->", ""])


def filled(page: str, mark: str, text: str) -> str:
    """A page with a text between the marks `<!-- NAME ... -->` and `<!-- /NAME -->`."""
    name = mark.split()[0]
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no marks <!-- {mark} --> and <!-- /{name} -->")
    return pattern.sub(lambda match: f"{match[1]}{text}{match[2]}", page)


def written(docs: Path = ROOT / "docs") -> dict[str, str]:
    """Texts of the files, by their names in `docs`."""
    rules, edges = read_rules()
    texts = {
        "results.md": filled((docs / "results.md").read_text(), "outputs", outputs_page(rules)),
        "datasets.md": filled((docs / "datasets.md").read_text(), "archives", archives()),
    }
    for paper in PAPERS:
        texts[f"{paper}_rules.svg"] = picture(paper, rules, edges)
        page = (docs / f"{paper}.md").read_text()
        texts[f"{paper}.md"] = filled(page, f"rules {paper}", chain(paper))
    return texts


def main(folder: str | None = None) -> None:
    """Write the files; into another folder if one is named."""
    target = Path(folder) if folder else ROOT / "docs"
    for name, text in written().items():
        (target / name).write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        main(*sys.argv[2:])
    else:
        # Snakemake's folder is made where it is started.
        with tempfile.TemporaryDirectory() as scratch:
            command = [
                sys.executable,
                __file__,
                "--here",
                *(str(Path(path).resolve()) for path in sys.argv[1:]),
            ]
            sys.exit(subprocess.run(command, cwd=scratch).returncode)
