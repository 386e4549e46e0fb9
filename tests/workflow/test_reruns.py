"""What runs again after an edit, by dry run: no more and no less than what depends on it."""

import os
import time

import pytest
import yaml

from tests.run import planned, snakemake
from tests.workflow.conftest import TINY

TARGETS = (
    "results/figures/fig5.pdf",
    "results/datasets/simulated/published_comparison.pdf",
    "results/boucaud2020/blend2flux/simulated/photometry.csv",
)
PLOTS = {"fig5", "published_comparison"}
DATA = {"simulate", "clean", "assemble_dataset", "draw_blends"}


@pytest.fixture(scope="module")
def done(module_project):
    """A project of its own with everything made."""
    folder = module_project.parent
    (folder / "overlay.yaml").write_text(yaml.safe_dump(TINY))
    run(folder, "--cores", 2)
    return folder


def run(folder, *arguments):
    path = folder / "overlay.yaml"
    return snakemake(
        *arguments, *TARGETS, "--configfile", path, directory=folder, project=folder / "project"
    )


def rules(folder):
    """Rules that a dry run would execute."""
    return planned(run(folder, "-n").text)


@pytest.fixture
def edit(done):
    """Append a comment to a file of the project; put everything back afterwards."""
    touched = []

    def append(name):
        path = done / "project" / name
        touched.append((path, path.read_bytes(), path.stat()))
        path.write_bytes(path.read_bytes() + b"\n# edited\n")
        later = time.time() + 10
        os.utime(path, (later, later))

    yield append
    for path, content, stat in touched:
        path.write_bytes(content)
        os.utime(path, (stat.st_atime, stat.st_mtime))


LIBRARY = "src/deblend/"


def test_nothing_changed_nothing_runs(done):
    assert rules(done) == set()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Plots: only they are drawn again.
        (LIBRARY + "fig5.py", {"fig5"}),
        (LIBRARY + "fig6.py", set()),
        (LIBRARY + "recovered.py", {"fig5"}),
        (LIBRARY + "comparison.py", {"published_comparison"}),
        (LIBRARY + "paper.mplstyle", PLOTS),
        ("workflow/scripts/catalog_figure.py", {"fig5"}),
        # Statistics: the tables and figures that show them.
        (LIBRARY + "metrics.py", {"fig5", "photometry"}),
        # The rendering: everything that sees a blend, but not the galaxies.
        (
            LIBRARY + "render.py",
            {"train", "predict", "sep_measure", "sep", "output_catalog", "comparison_catalog"}
            | PLOTS
            | {"photometry"},
        ),
        # The network: training and what follows, but not the baseline.
        (LIBRARY + "networks.py", {"train", "predict", "output_catalog", "fig5", "photometry"}),
        (LIBRARY + "predict.py", {"train", "predict", "output_catalog", "fig5", "photometry"}),
    ],
)
def test_an_edit_runs_what_depends_on_it(done, edit, name, expected):
    edit(name)
    assert rules(done) == expected


def test_the_cleaning_runs_everything_after_it(done, edit):
    edit(LIBRARY + "clean.py")
    assert {"clean", "assemble_dataset", "train", "sep_measure", "fig5"} <= rules(done)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"networks": {"blend2flux": {"learning_rate": 0.0005}}},
            {"train", "predict", "output_catalog", "fig5", "photometry"},
        ),
        ({"boucaud2020": {"bootstrap_resamples": 20}}, {"fig5", "photometry"}),
    ],
)
def test_a_changed_value_runs_what_uses_it(done, change, expected):
    path = done / "overlay.yaml"
    before = path.read_text()
    config = yaml.safe_load(before)
    for section, values in change.items():
        for key, value in values.items():
            if isinstance(value, dict):
                config[section][key] |= value
            else:
                config[section][key] = value
    path.write_text(yaml.safe_dump(config))
    try:
        assert rules(done) == expected
    finally:
        path.write_text(before)


def test_an_edit_of_figures_1_and_2_leaves_the_galaxies_alone(project, tmp_path):
    """Their parent stamps are temporary: making them anew would train networks anew."""
    (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(TINY))
    targets = [f"results/figures/fig{n}.pdf" for n in (1, 2)]
    targets.append("results/datasets/simulated/stamps.h5")
    arguments = (*targets, "--configfile", tmp_path / "overlay.yaml")
    snakemake("--cores", 2, *arguments, directory=tmp_path, project=project)
    for name, expected in {
        "fig1_fig2.py": {"fig1", "fig2"},
        "examples.py": {"fig1", "blend_examples", "fig2"},
    }.items():
        path = project / LIBRARY / name
        path.write_text(path.read_text() + "\n# edited\n")
        later = time.time() + 10
        os.utime(path, (later, later))
        plan = snakemake("-n", *arguments, directory=tmp_path, project=project)
        assert planned(plan.text) == expected
