"""Structure of the project: which modules may import which, and properties of rules and scripts.

Also that each module has its tests, which do not depend on how it is written.
"""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rules import KINDS, ROOT, declared, reads

PACKAGE = ROOT / "src" / "deblend"
PAPERS = ("boucaud2020", "farrens2022", "reiman2019", "hemmati2022")
PAPER_PREFIXES = tuple(f"deblend.{paper}" for paper in PAPERS)
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = ROOT / "tests"
SCRIPTS = sorted((ROOT / "workflow" / "scripts").rglob("*.py"))
RULE_FILES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
#: Modules that may import the configurations of all papers.
JOINS_PAPERS = {"run/config.py"}
#: Inputs and params that no adapter reads, with the reason.
UNREAD = {
    ("params", "code"): "its change reruns the rule",
    ("params", "listing"): "its change reruns the rule",
    ("params", "scarlet2"): "its change reruns the rule",
    ("input", "images"): "params.entry names the files",
    ("input", "style"): "the library reads the style of all figures itself",
    ("input", "mixtures"): "the library reads the mixtures of all fits itself",
    ("input", "function"): "params.entry names the file",
    ("input", "psfs"): "params.options names the files band by band",
}
#: Modules without a file of tests of their name, with the reason.
TESTED_ELSEWHERE = {
    "errors.py": "an exception that does nothing of its own",
    "hemmati2022/figures/all_figures.py": "it calls tested functions; the tests of the toy run it",
}
#: Attributes of the library that tests may patch, with the reason.
PATCHED = {
    "deblend.data.web.RETRY_PAUSES_S": "tests of failed downloads would have to wait",
    "deblend.run.config.RENAMED": "it is empty until a key gets another name",
}
#: Packages that take a second or more to import, or are not part of Snakemake's own environment.
HEAVY = {"tensorflow", "keras", "torch", "galsim", "sep", "matplotlib", "sklearn", "skimage"} | {
    "astropy",
    "scipy",
    "pandas",
    "numpy",
    "h5py",
}


def package_path(path):
    """Path of a module within the package, such as ``boucaud2020/training.py``."""
    return str(path.relative_to(PACKAGE))


@functools.cache
def imported(path):
    """Names that a file imports anywhere; for ``from a import b`` both ``a`` and ``a.b``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def importers(paths, name):
    """Package paths of those modules that import a module or one below it."""
    pattern = re.compile(rf"{re.escape(name)}(\.|$)")
    return {package_path(path) for path in paths if any(pattern.match(n) for n in imported(path))}


@pytest.mark.parametrize("paper", PAPERS)
def test_only_a_paper_imports_itself(paper):
    """But scenes, which all methods measure, and the benchmark stand on top of the papers."""
    own = (f"{paper}/", "scenes/", "benchmark/")
    others = [path for path in MODULES if not package_path(path).startswith(own)]
    assert importers(others, f"deblend.{paper}") - JOINS_PAPERS == set()


def test_only_the_benchmark_imports_scenes():
    own = ("scenes/", "benchmark/")
    others = [path for path in MODULES if not package_path(path).startswith(own)]
    assert importers(others, "deblend.scenes") - JOINS_PAPERS == set()


def test_nothing_imports_the_benchmark():
    others = [path for path in MODULES if not package_path(path).startswith("benchmark/")]
    assert importers(others, "deblend.benchmark") - JOINS_PAPERS == set()


def test_joining_papers_imports_their_configurations_alone():
    pattern = re.compile(rf"deblend\.({'|'.join(PAPERS)})(\.config(\..*)?)?")
    for path in (PACKAGE / name for name in JOINS_PAPERS if (PACKAGE / name).is_file()):
        papers = [name for name in imported(path) if name.startswith(PAPER_PREFIXES)]
        assert [name for name in papers if not pattern.fullmatch(name)] == [], path


def test_only_figures_import_matplotlib():
    others = [
        path for path in MODULES if not re.search(r"(^|/)(figures|plots)", package_path(path))
    ]
    assert importers(others, "matplotlib") == set()


def test_the_library_does_not_know_snakemake():
    assert importers(MODULES, "snakemake") == set()
    for path in MODULES:
        names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
        assert "snakemake" not in names, package_path(path)


def test_no_module_imports_a_script():
    for path in [*MODULES, *SCRIPTS]:
        assert not [name for name in imported(path) if name.startswith("workflow")], path


def test_the_run_package_imports_nothing_heavy():
    modules = [f"deblend.run.{path.stem}" for path in (PACKAGE / "run").glob("*.py")]
    program = f"import sys, {', '.join(sorted(modules)).replace('.__init__', '')}\n"
    program += f"print(sorted({HEAVY} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_tests_mirror_the_package():
    for folder in (TESTS / "unit").rglob("*/"):
        if folder.name != "__pycache__":
            assert (PACKAGE / folder.relative_to(TESTS / "unit")).is_dir(), folder


def test_every_module_has_a_file_of_tests_of_its_name():
    """Conversely, a file of tests in a folder has the name of a module."""
    modules = {package_path(path) for path in MODULES if path.name != "__init__.py"}
    files = [path.relative_to(TESTS / "unit") for path in (TESTS / "unit").rglob("test_*.py")]
    tested = {str(path.with_name(path.name.removeprefix("test_"))) for path in files}
    assert modules - tested == TESTED_ELSEWHERE.keys()
    assert {name for name in tested - modules if "/" in name} == set()


def patches(text):
    """Attributes of the library that code of tests patches or assigns to."""
    tree = ast.parse(text)
    names, found = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.asname: a.name for a in node.names if a.asname}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            parts = [ast.unparse(node)]
        elif isinstance(node, ast.Call) and re.search(
            r"(^|\.)((set|del)(attr|item)|patch(\.\w+)?)$", ast.unparse(node.func)
        ):
            parts = [getattr(arg, "value", None) for arg in node.args[:2]]
            if not isinstance(parts[0], str):
                parts[0] = ast.unparse(node.args[0])
            parts = [part for part in parts if isinstance(part, str)]
        else:
            continue
        root, dot, rest = ".".join(parts).partition(".")
        found.add(names.get(root, root) + dot + rest)
    return {name for name in found if name.startswith("deblend.")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("monkeypatch.setattr('deblend.units.flux', 1)", "deblend.units.flux"),
        ("from deblend import units as u\nmonkeypatch.setattr(u, 'flux', 1)", "deblend.units.flux"),
        ("import deblend.units as u\nsetattr(u, name, 1)", "deblend.units"),
        ("import deblend.units\nmonkeypatch.delattr(deblend.units, 'a')", "deblend.units.a"),
        ("from deblend.units import A\nm.setattr(A, 'run', f)", "deblend.units.A.run"),
        ("from deblend import units\nm.setitem(units.TABLE, k, 1)", "deblend.units.TABLE"),
        ("@mock.patch('deblend.units.flux')\ndef test(): pass", "deblend.units.flux"),
        ("from deblend import units\nmock.patch.object(units, 'a')", "deblend.units.a"),
        ("from deblend import units\nunits.ZERO = 3", "deblend.units.ZERO"),
        ("import numpy as np\nm.setattr(np, 'a', 1)\nm.setenv('A', 'deblend.x')\nx.y = 1", None),
        ("from deblend import units\nunits.flux(1)\nx = units.ZERO", None),
    ],
)
def test_patches_are_found(text, expected):
    assert patches(text) == ({expected} if expected else set())


def test_no_test_patches_the_library():
    """Tests call functions with other arguments instead."""
    found = {name: path for path in TESTS.rglob("*.py") for name in patches(path.read_text())}
    assert {name: path for name, path in found.items() if name not in PATCHED} == {}
    assert PATCHED.keys() <= found.keys()


def test_there_is_a_file_of_rules_for_each_paper():
    files = {path.stem for path in RULE_FILES}
    shared = {"common", "downloads", "datasets", "report", "scenes", "benchmark", "targets"}
    assert files == {*shared, "limits", *PAPERS}


def test_common_rules_are_short():
    assert len((ROOT / "workflow/rules/common.smk").read_text().splitlines()) <= 150


def test_scripts_are_short():
    lengths = {path.name: len(path.read_text().splitlines()) for path in SCRIPTS}
    assert {name: lines for name, lines in lengths.items() if lines > 45} == {}


@pytest.fixture(scope="module")
def workflow():
    return declared(ROOT / "config" / "toy.yaml")


@pytest.fixture(scope="module")
def rules(workflow):
    """Rules that run a script."""
    assert len(workflow["rules"]) > 70
    return {name: rule for name, rule in workflow["rules"].items() if rule["script"]}


def test_all_rules_with_outputs_have_a_script(workflow):
    without = {name for name, rule in workflow["rules"].items() if not rule["script"]}
    assert {name for name in without if workflow["rules"][name]["output"]} == set()


def test_a_script_has_the_name_of_its_rule(rules):
    """If several rules use a script, the names of the others begin with that name."""
    found = {}
    for name, rule in rules.items():
        script = Path(rule["script"])
        folder = script.parent.name
        base = script.stem if folder == "data" else f"{folder}_{script.stem}"
        found.setdefault(base, []).append(name)
    wrong = {}
    for base, names in found.items():
        different = [name for name in names if name != base and not name.startswith(f"{base}_")]
        if different or base not in names:
            wrong[base] = names
    assert wrong == {}


def test_every_script_is_used(rules):
    used = {rule["script"] for rule in rules.values()}
    assert used == {str(path.relative_to(ROOT)) for path in SCRIPTS}


def test_an_adapter_reads_what_its_rule_declares(rules):
    wrong = []
    for name, rule in rules.items():
        use = reads(ROOT / rule["script"])
        for kind in KINDS:
            patterns = use.get(kind, set())
            declared_names = set(rule[kind])
            for pattern, needed in sorted(patterns):
                open_ended = kind == "input" and rule["unpacked"]
                if (
                    needed
                    and not open_ended
                    and not any(re.fullmatch(pattern, n) for n in declared_names)
                ):
                    wrong.append(f"{name}: reads {kind}.{pattern}, which the rule does not declare")
            for item in sorted(declared_names):
                read = any(re.fullmatch(pattern, item) for pattern, _ in patterns)
                if kind != "wildcards" and not read and (kind, item) not in UNREAD:
                    wrong.append(f"{name}: declares {kind}.{item}, which its script does not read")
    assert not wrong, "\n".join(wrong)


def test_an_adapter_reads_nothing_else(rules):
    """But downloads look addresses with secrets up in the configuration, which is not recorded."""
    files = {rule["script"]: Path(rule["file"]).stem for rule in rules.values()}
    for path in SCRIPTS:
        allowed = {*KINDS, "log", "threads", "resources"}
        if files[str(path.relative_to(ROOT))] == "downloads":
            allowed.add("config")
        assert reads(path).keys() <= allowed, path


def test_rules_are_complete(rules):
    wrong = []
    for name, rule in rules.items():
        lacks = [key for key in ("conda", "message", "threads", "log") if not rule[key]]
        lacks += [key for key in ("mem_mb", "runtime") if key not in rule["resources"]]
        lacks += [f"names in {kind}" for kind in ("input", "output", "params") if "" in rule[kind]]
        if lacks:
            wrong.append(f"{name} ({rule['file']}) lacks {', '.join(lacks)}")
    assert not wrong, "\n".join(wrong)


def test_each_attempt_on_a_cluster_asks_for_more(rules):
    """What runs on the machine of Snakemake asks nobody."""
    asks = {"mem_mb", "runtime"}
    constant = {
        name: sorted(asks & set(rule["constant"]))
        for name, rule in rules.items()
        if not rule["local"] and asks & set(rule["constant"])
    }
    assert constant == {}


def test_all_rules_but_downloads_depend_on_their_code(rules):
    """A change of the code of downloads must not lead to new downloads."""
    downloads = {name for name, rule in rules.items() if Path(rule["file"]).stem == "downloads"}
    with_code = {name for name, rule in rules.items() if "code" in rule["params"]}
    assert with_code & downloads == set()
    # Its input is temporary. Making it again would also train the networks again.
    assert rules.keys() - with_code - downloads == {"boucaud2020_cleaning_examples"}


def strings(value):
    """All strings in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def test_no_path_of_the_project_is_absolute(workflow):
    """Nothing is run again if a project is moved."""
    values = [(name, rule["values"]) for name, rule in workflow["rules"].items()]
    values += [(name, jobs) for name, jobs in workflow["jobs"].items()]
    wrong = {
        f"{name}: {text}"
        for name, value in values
        for text in strings(value)
        # Paths relative to the working directory, which is outside of the project here, begin with
        # "../".
        if str(ROOT) in text and not text.startswith("../")
    }
    assert wrong == set()
