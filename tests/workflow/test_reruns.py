"""Jobs that run again after an edit or a move of a finished toy run."""

import ast
import os
import shutil
import subprocess
import time

import pytest
import yaml

from tests.run import TOY, planned, snakemake

LIBRARY = "src/deblend"
PAPERS = ("boucaud2020", "farrens2022", "reiman2019", "hemmati2022")
#: What follows each change of a result.
LAST = {"report_pages", "record_checksums", "all"}
#: Rules that depend on all results.
END = {"report_summary", *LAST}


@pytest.fixture(scope="module")
def done(toy_project, tmp_path_factory):
    """A copy of the finished toy run, with the same file times, which tests edit."""
    folder = tmp_path_factory.mktemp("copied") / "project"
    shutil.copytree(toy_project, folder)
    return folder


def rules(project, *arguments, directory=None):
    """Rules that a dry run of the toy would execute."""
    arguments = ("-n", *arguments, *TOY)
    return planned(snakemake(*arguments, directory=directory or project, project=project).text)


@pytest.fixture
def edit(done):
    """Function that edits a file of the project; all edits are undone after the test."""
    touched = {}

    def write(name, change):
        path = done / name
        touched.setdefault(path, (path.read_bytes(), path.stat()))
        path.write_text(change(path.read_text()))
        later = time.time() + 10
        os.utime(path, (later, later))

    yield write
    for path, (content, stat) in touched.items():
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def in_function(name):
    """Function that adds a statement to a function or to the last method of a class in a source."""

    def change(source):
        definition = next(
            node
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
        )
        last = definition.body[-1]
        lines = source.splitlines(keepends=True)
        lines.insert(last.lineno - 1, " " * last.col_offset + "edited = 1\n")
        return "".join(lines)

    return change


def unimportant(source):
    """Change a source without effect on results: docstrings, a comment, an unused function."""
    tree = ast.parse(source)
    docstrings = [
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and ast.get_docstring(node, clean=False)
    ]
    lines = source.splitlines(keepends=True)
    for text in docstrings:
        line = lines[text.lineno - 1]
        assert '"""' in line, line
        lines[text.lineno - 1] = line.replace('"""', '"""Edited. ', 1)
    return "".join(lines) + "\n# edited\n\n\ndef nobody_calls_this():\n    return 1\n"


def test_nothing_changed_nothing_runs(toy_project, done):
    assert rules(toy_project) == set()
    assert rules(done) == set()


@pytest.mark.parametrize("how", ["moved", "linked", "snakefile linked"])
def test_nothing_runs_again_if_a_finished_project_is_moved(done, tmp_path, how):
    if how == "moved":
        moved = tmp_path / "moved"
        done.rename(moved)
        try:
            assert rules(moved) == set()
        finally:
            moved.rename(done)
    else:
        link = tmp_path / "link"
        link.symlink_to(done)
        assert rules(link, directory=link if how == "linked" else done) == set()


def test_comments_docstrings_and_unused_functions_rerun_nothing(done, edit):
    """The edits are in all modules of the library and, but for functions, in all scripts."""
    for path in sorted((done / LIBRARY).rglob("*.py")):
        edit(path.relative_to(done), unimportant)
    for path in sorted((done / "workflow/scripts").rglob("*.py")):
        edit(path.relative_to(done), lambda source: source + "\n# edited\n")
    assert rules(done) == set()


def test_a_commit_reruns_nothing(done):
    def git(*arguments):
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", *who, *arguments], cwd=done, check=True, capture_output=True)

    try:
        git("init")
        git("add", "Snakefile")
        git("commit", "-m", "first")
        assert rules(done) == set()
    finally:
        shutil.rmtree(done / ".git", ignore_errors=True)


B, F, R, H = PAPERS
BOUCAUD_RESULTS = {"boucaud2020_results", *END}
AFTER_CATALOG = {
    "boucaud2020_baselines",
    "boucaud2020_figures",
    "boucaud2020_mask_figures",
} | BOUCAUD_RESULTS
AFTER_PREDICTIONS = {"boucaud2020_catalog_of_paper", "boucaud2020_table2"} | AFTER_CATALOG
ALL_PREDICTIONS = {
    "boucaud2020_predict",
    "boucaud2020_predict_masks",
    "boucaud2020_predict_both",
}
SEEN_BLENDS = {
    "boucaud2020_sep",
    "boucaud2020_sep_self",
    "boucaud2020_forced_fit",
    "boucaud2020_published_sample",
    "boucaud2020_baselines_figure",
    "boucaud2020_example_figures",
}
AFTER_STAMPS = {
    "boucaud2020_assemble_dataset",
    "boucaud2020_cleaning_examples",
    "boucaud2020_draw_blends",
    "boucaud2020_tables_of_paper",
    "boucaud2020_train",
    *ALL_PREDICTIONS,
    *SEEN_BLENDS,
    *AFTER_PREDICTIONS,
}
AFTER_REIMAN_NETWORKS = {
    "reiman2019_predict",
    "reiman2019_failures",
    "reiman2019_several_galaxies",
    "reiman2019_network_figures",
    "reiman2019_figures_of_paper",
    "reiman2019_results",
}
AFTER_REIMAN_SCORES = {
    "reiman2019_predict",
    "reiman2019_failures",
    "reiman2019_figures_of_paper",
    "reiman2019_results",
}
AFTER_DETECTIONS = {
    "hemmati2022_figures",
    "hemmati2022_ladder_figure",
    "hemmati2022_photometry",
    "hemmati2022_photometry_figure",
    "hemmati2022_results",
}


#: Module and function, and what runs again when it is edited.
EDITED = {
    # A drawing: its figures, and what is read off them.
    f"{B}/figures/fig8_bias_scatter.py draw_fig8": {"boucaud2020_figures"} | BOUCAUD_RESULTS,
    f"{B}/figures/fig1_2_examples.py draw_fig1": {"boucaud2020_example_figures", *LAST},
    f"{F}/figures/fig5_6_realistic.py draw_fig6": {
        "farrens2022_sample_figures_of_paper",
        "farrens2022_results",
        *END,
    },
    f"{R}/figures/fig4_5_scores.py draw_distributions": {"reiman2019_figures_of_paper", *LAST},
    f"{H}/figures/fig7_photometry.py draw_fig7": {"hemmati2022_photometry_figure", *LAST},
    # A claim: its paper's results.
    f"{B}/claims.py unbiased": BOUCAUD_RESULTS,
    f"{H}/claims.py high_detects": {"hemmati2022_results", *END},
    # The rendering: all that sees a blend, but not the galaxies.
    f"{B}/render.py render": {"boucaud2020_train"}
    | ALL_PREDICTIONS
    | SEEN_BLENDS
    | AFTER_PREDICTIONS,
    # A network: its training and what follows, and its drawing, but not the baseline.
    f"{B}/networks.py unet": {"boucaud2020_train", "boucaud2020_network_figures"}
    | ALL_PREDICTIONS
    | AFTER_PREDICTIONS,
    # One script predicts fluxes and masks.
    f"{B}/predict.py predict_fluxes": ALL_PREDICTIONS | AFTER_PREDICTIONS,
    f"{F}/sep.py label_sample": {
        "farrens2022_sep",
        "farrens2022_sep_of_sample",
        "farrens2022_figures",
        "farrens2022_sample_figures_of_paper",
        "farrens2022_magnitudes_of_paper",
        "farrens2022_roc",
        "farrens2022_results",
        *END,
    },
    f"{R}/networks.py Generator": {"reiman2019_train", *AFTER_REIMAN_NETWORKS, *END},
    f"{R}/scores.py score_methods": AFTER_REIMAN_SCORES | END,
    f"{H}/networks.py SuperResolver": {
        "hemmati2022_train",
        "hemmati2022_detect",
        "hemmati2022_network_figure",
        *AFTER_DETECTIONS,
        *END,
    },
    f"{H}/som.py learn_som": {"hemmati2022_figures", "hemmati2022_results", *END},
    # The galaxies: everything after them, their temporary stamps too.
    f"{B}/clean.py clean": {"boucaud2020_simulate", "boucaud2020_clean", *AFTER_STAMPS},
    f"{B}/simulate.py simulate_galaxy": {
        "boucaud2020_simulate",
        "boucaud2020_clean",
        *AFTER_STAMPS,
    },
    f"{F}/stamps.py draw_stamp": {
        "farrens2022_draw_stamps",
        "farrens2022_train",
        "farrens2022_label",
        "farrens2022_sep",
        "farrens2022_sep_of_sample",
        "farrens2022_network_figures",
        "farrens2022_figures",
        "farrens2022_sample_figures_of_paper",
        "farrens2022_magnitudes_of_paper",
        "farrens2022_roc",
        "farrens2022_tables",
        "farrens2022_results",
        *END,
    },
    f"{R}/images.py build_frames": {
        "reiman2019_simulate",
        "reiman2019_frames",
        "reiman2019_train",
        *AFTER_REIMAN_NETWORKS,
        *END,
    },
    # Its stamps are temporary: it has no digest.
    f"{B}/examples.py cleaning_examples": set(),
    # A function that no rule of the toy run uses.
    "data/vizier.py fetch_table": set(),
}


def with_curves(names):
    """Names of rules, and the drawing of losses where there is a training among them."""
    trains = any(name.endswith("_train") for name in names)
    return {*names, "report_training"} if trains else names


@pytest.mark.parametrize("edited", EDITED)
def test_an_edited_function_reruns_what_uses_it(done, edit, edited):
    name, function = edited.split()
    edit(f"{LIBRARY}/{name}", in_function(function))
    assert rules(done) == with_curves(EDITED[edited])


def test_an_edited_script_or_style_reruns_its_rules(done, edit):
    edit("workflow/scripts/hemmati2022/photometry_figure.py", lambda text: text + "\nedited = 1\n")
    assert rules(done) == {"hemmati2022_photometry_figure", *LAST}
    edit(f"{LIBRARY}/plots/paper.mplstyle", lambda text: text + "# edited\n")
    drawn = rules(done)
    assert {"boucaud2020_figures", "reiman2019_network_figures", "hemmati2022_figures"} <= drawn
    assert not {name for name in drawn if name.endswith(("_train", "_predict", "_detect"))}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"boucaud2020": {"bootstrap_resamples": 20}},
            {
                "boucaud2020_catalog_of_paper",
                "boucaud2020_baselines_figure",
                "boucaud2020_table2",
            }
            | AFTER_CATALOG,
        ),
        (
            {"reiman2019": {"network": {"iterations": 700}}},
            {"reiman2019_train", *AFTER_REIMAN_NETWORKS, *END},
        ),
        (
            {"hemmati2022": {"som_shape": [6, 6]}},
            {"hemmati2022_figures", "hemmati2022_results", *END},
        ),
    ],
)
def test_a_changed_value_reruns_what_uses_it(done, tmp_path, change, expected):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(change))
    result = snakemake("-n", *TOY, overlay, directory=done, project=done)
    # The complete configuration is recorded in the report.
    assert planned(result.text) == with_curves(expected) | END
