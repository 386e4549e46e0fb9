"""Draw the folders of src/deblend and their imports: python tools/draw_architecture.py SVG.

The imports are read from the code. They are also written as a table (CSV) with the picture's name:
`from`, `to` and `imports`, the number of pairs of modules of which the first imports the second.
"""

import ast
import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import matplotlib
from deblend.plots.style import COLOURS, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve

PACKAGE = Path(__file__).parents[1] / "src" / "deblend"
#: Stands for the modules that are in no folder.
GROUND = "ground"
#: The papers' folders from left to right, each with its colour and a description.
WINGS = {
    "boucaud2020": (COLOURS["central"], "fluxes and masks\nof two blended galaxies"),
    "farrens2022": (COLOURS["companion"], "is it a blend?"),
    "reiman2019": (COLOURS["green"], "branched GAN\nthat separates galaxies"),
    "hemmati2022": (COLOURS["pink"], "GANs that raise\nthe resolution"),
}
SHARED = {
    "data": "stamps, archives,\nfiles, priors",
    "photometry": "SEP, Gaussian\nmixtures",
    "plots": "the style of\nall figures",
    "training": "loop, checkpoints,\nKeras, PyTorch",
    "report": "claims, numbers,\ntraining time",
}
RUN, RUN_TEXT = "run", "configuration, digests of code, logs, provenance"
#: Above all others, on which they stand; their imports are in the table, not in the picture.
SCENES, SCENES_TEXT = "scenes", "the user's own images, by all methods; imports all of these"
BENCHMARK, BENCHMARK_TEXT = "benchmark", "all methods on the same blends; imports all of these"
GREY, PALE = "0.35", "0.94"
#: Bottom and top of the boxes in each row, inches.
ROWS = {GROUND: (0.1, 0.78), "shared": (1.6, 2.62), "wings": (4.3, 5.34), RUN: (6.0, 6.68)}
ROWS[SCENES], ROWS[BENCHMARK] = (7.0, 7.68), (8.0, 8.68)
TOP = {SCENES, BENCHMARK}
WIDTH, HEIGHT = 10.4, 8.7


def modules() -> dict[str, Path]:
    """File of each module of the library, by its dotted name without the package's."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """Modules of the library that a module imports, also within functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            # `from deblend.a import b` imports the module a.b, or the name b of the module a.
            for candidate in (rest, rest.rpartition(".")[0]) if package == PACKAGE.name else ():
                if candidate in known:
                    found.add(candidate)
                    break
    return found


def folder(name: str, known: dict[str, Path]) -> str:
    """Folder of a module."""
    return name.partition(".")[0] if "." in name or known[name].stem == "__init__" else GROUND


def edges() -> Counter[tuple[str, str]]:
    """Number of imports, by pairs of folders: the importing and the imported one."""
    known = modules()
    return Counter(
        (folder(name, known), folder(target, known))
        for name, path in known.items()
        for target in imported(path, known) - {name}
    )


def sizes() -> Counter[str]:
    """Number of modules in each folder; `__init__.py` does not count."""
    known = modules()
    return Counter(folder(n, known) for n, path in known.items() if path.stem != "__init__")


def places() -> dict[str, tuple[float, float]]:
    """Left and right end of each box."""
    gap = 0.26
    width = (WIDTH - 0.4 - gap * (len(SHARED) - 1)) / len(SHARED)
    found = dict.fromkeys((RUN, GROUND, *sorted(TOP)), (0.0, WIDTH))
    for i, name in enumerate(SHARED):
        found[name] = (i * (width + gap), i * (width + gap) + width)
    # A paper's box is above a gap, through which its arrow reaches the modules without a folder.
    for i, name in enumerate(WINGS):
        centre = (i + 1) * (width + gap) - gap / 2
        found[name] = (centre - 0.86, centre + 0.86)
    return found


def row(name: str) -> tuple[float, float]:
    """Bottom and top of a box."""
    return ROWS["wings" if name in WINGS else "shared" if name in SHARED else name]


def draw_boxes(axis: Axes, inside: Counter[tuple[str, str]]) -> None:
    """Draw the boxes with their names, descriptions and numbers of modules and imports."""
    texts = {name: text for name, (_, text) in WINGS.items()} | SHARED
    ground = (name for name, path in sorted(modules().items()) if path.parent == PACKAGE and name)
    texts |= {
        RUN: RUN_TEXT,
        SCENES: SCENES_TEXT,
        BENCHMARK: BENCHMARK_TEXT,
        GROUND: ", ".join(ground),
    }
    size = sizes()
    for name, (left, right) in places().items():
        bottom, top = row(name)
        colour = WINGS[name][0] if name in WINGS else GREY
        axis.add_patch(
            FancyBboxPatch(
                (left + 0.06, bottom + 0.06),
                right - left - 0.12,
                top - bottom - 0.12,
                boxstyle="round,pad=0.06",
                facecolor="white" if name in WINGS else PALE,
                edgecolor=colour,
                linewidth=1.8 if name in WINGS else 1.0,
                zorder=3,
            )
        )
        middle = (left + right) / 2
        title = "the ground" if name == GROUND else f"{name}/"
        bold = {"weight": "bold", "color": colour if name in WINGS else "black"}
        axis.text(middle, top - 0.24, title, ha="center", va="center", size=11, zorder=4, **bold)
        within = inside[name, name]
        about = f"{size[name]} modules" + (f", {within} imports" if within else "")
        broad = name in (RUN, GROUND, *TOP)
        text = f"{texts[name]}  ({about})" if broad else f"{texts[name]}\n({about})"
        for i, line in enumerate(text.split("\n")):
            y = top - 0.47 - 0.135 * i
            axis.text(middle, y, line, ha="center", va="center", size=8.5, zorder=4)


def arrows(count: Counter[tuple[str, str]]) -> Iterator[tuple[str, str, float, float]]:
    """Arrows: importing folder, imported folder, and x at the start and at the end."""
    place = places()
    middle = {name: sum(ends) / 2 for name, ends in place.items()}
    pairs = [(one, other) for one, other in count if one != other and not TOP & {one, other}]
    for one, other in sorted(pairs):
        if one == RUN:
            # At the sides, so that the arrow passes the boxes in between.
            x = {"data": 0.5, GROUND: WIDTH - 0.16}.get(other, middle[other])
            yield one, other, x, x
        elif other == GROUND:
            yield one, other, middle[one], middle[one]
        else:
            starts = sorted((middle[o], o) for a, o in pairs if a == one and o in SHARED)
            left = [o for x, o in starts if x < middle[one]]
            right = [o for x, o in starts if x > middle[one]]
            half = (place[one][1] - place[one][0]) / 2 - 0.12
            side, sign = (left[::-1], -1) if other in left else (right, 1)
            start = middle[one] + sign * half * (side.index(other) + 1) / len(side)
            heads = [a for a in WINGS if (a, other) in count]
            begin = place[other][0] + (0.75 if (RUN, other) in count else 0.2)
            step = (place[other][1] - 0.2 - begin) / max(len(heads) - 1, 1)
            yield one, other, start, begin + step * heads.index(one)


def draw_arrows(axis: Axes, count: Counter[tuple[str, str]]) -> None:
    """Draw the arrows with their numbers of imports, in the colour of the importing paper."""
    for one, other, start, end in arrows(count):
        colour = WINGS[one][0] if one in WINGS else GREY
        tail, head = row(one)[0], row(other)[1]
        # Arrows are vertical at both ends, so that there is room for their numbers.
        middle = (tail + head) / 2
        points = [(start, tail), (start, middle), (end, middle), (end, head)]
        curve = Curve(points, [Curve.MOVETO, *[Curve.CURVE4] * 3])
        width = 0.7 + 0.09 * count[one, other]
        axis.add_patch(PathPatch(curve, edgecolor=colour, facecolor="none", linewidth=width))
        axis.plot(end, head + 0.045, "v", color=colour, markersize=5 + width)
        axis.text(
            end,
            head + 0.27,
            str(count[one, other]),
            ha="center",
            va="center",
            size=9,
            color=colour,
            bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none"},
        )


def draw(output: Path) -> None:
    """Write the picture, and the table in the same folder.

    Parameters
    ----------
    output : path
        File of the picture; the same code gives the same bytes.
    """
    count = edges()
    drawn = {RUN, GROUND, *TOP, *WINGS, *SHARED}
    if {name for pair in count for name in pair} != drawn or any(
        one in SHARED and other not in (one, GROUND) for one, other in count
    ):
        raise SystemExit("there is a folder, or an import, that has no place in the picture yet")
    # Text is stored as text: browsers without this font use another one.
    fonts = {"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"]}
    options = {"svg.hashsalt": "deblend", "svg.fonttype": "none", **fonts}
    with style(), matplotlib.rc_context(options):
        figure = Figure(figsize=(WIDTH + 0.2, HEIGHT + 0.1))
        axis = figure.add_axes((0, 0, 1, 1))
        axis.set(xlim=(-0.1, WIDTH + 0.1), ylim=(0, HEIGHT + 0.1))
        axis.axis("off")
        draw_boxes(axis, count)
        draw_arrows(axis, count)
        figure.savefig(output, metadata={"Date": None, "Creator": None})
    with output.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["from", "to", "imports"])
        writer.writerows([*pair, number] for pair, number in sorted(count.items()))


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
