"""The documentation: pages that are made from the rules, and the site."""

import ast
import importlib
import importlib.util
import inspect
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from snakemake.cli import get_argument_parser

from tests.rules import ROOT, declared

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
LINKED = [ROOT / name for name in ("CONTRIBUTING.md", "config/README.md", "results/README.md")]
#: Pages with commands and code; commands stand in blocks of `sh` or without a language.
INSTRUCTIONS = (*PAGES, ROOT / "config/README.md", ROOT / "CONTRIBUTING.md")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = [
    pytest.param(line, id=f"{page.name}: {line.partition('#')[0].strip()}")
    for page in INSTRUCTIONS
    for language, block in BLOCK.findall(page.read_text())
    if language in ("", "sh")
    for line in block.replace("\\\n", " ").splitlines()
]
CODE = [
    pytest.param(block, id=f"{page.name}: {number}")
    for page in INSTRUCTIONS
    for number, (language, block) in enumerate(BLOCK.findall(page.read_text()))
    if language == "python"
]
#: What stands for a name of the user's in a file that a command asks for.
PLACEHOLDERS = {"NAME": "galaxyzoo", "NETWORK": "blend2flux", "DATASET": "simulated"}
#: The comment of a command that needs more than this machine says so.
NEEDS_MORE = re.compile(r"\b(network|cluster)\b")
#: What gets packages or runs in an image of them.
INSTALLERS = (".venv/bin/pip", "docker", "apptainer")
#: Commands of the shell, of which nothing is checked.
SHELL = ("source", "export", "mkdir", "git", "tmux")


def test_pages_are_those_of_the_rules(tmp_path):
    """If this fails, run: make docs."""
    command = [sys.executable, ROOT / "tools/document_workflow.py", tmp_path]
    subprocess.run(command, check=True)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len(files) == 10
    for name in files:
        assert (tmp_path / name).read_text() == (ROOT / "docs" / name).read_text(), name


def test_the_site_is_built_without_warnings(tmp_path):
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for page in ("index.html", "boucaud2020/index.html", "faq/index.html"):
        assert (tmp_path / "site" / page).is_file(), page


def test_all_pages_are_in_the_navigation():
    """Mkdocs says nothing of those that are not, since pages of evidence are reached by links."""
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert pages <= set(re.findall(r"[\w/]+\.md", nav))


def test_every_rule_says_what_it_does():
    rules = declared(ROOT / "config/toy.yaml")["rules"]
    assert [name for name, rule in rules.items() if not rule["message"]] == []


def test_every_target_rule_is_listed_with_a_sentence():
    command = [sys.executable, "-m", "snakemake", "--list-target-rules", "--directory", "/tmp"]
    command += ["--snakefile", ROOT / "Snakefile", "--configfile", ROOT / "config/toy.yaml"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "all (All results of the papers in the configuration.)" in listed
    assert [line for line in listed if not re.fullmatch(r"\w+ \([A-Z`].*\.\)", line)] == []


@pytest.mark.parametrize("page", [*PAGES, *LINKED], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_the_pages_are_not_broken(page):
    """As GitHub shows them; the site has a check of its own."""
    for link in re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)", page.read_text()):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_pages_exists(line):
    """The names in it are known; nothing is run here (the toy run is in `tests/workflow`).

    Make's targets, Snakemake's options, configuration files, rules and files that rules make. What
    installs packages, or makes results of real data, says that it needs the network or a cluster.
    """
    command, _, comment = line.partition("#")
    words = shlex.split(command)
    while "=" in words[0]:  # the environment
        words.pop(0)
    program, *arguments = words
    if program == "make":
        check_make(arguments)
    elif program == "snakemake":
        check_snakemake(arguments, comment)
    elif program == "python":
        assert importlib.util.find_spec(arguments[arguments.index("-m") + 1])
    elif program in INSTALLERS:
        assert NEEDS_MORE.search(comment)
    else:
        assert program in SHELL


@pytest.mark.full
@pytest.mark.parametrize("line", [c for c in COMMANDS if c.values[0].startswith("snakemake")])
def test_a_snakemake_command_of_the_pages_plans_its_jobs(line, tmp_path):
    """A dry run in an empty folder; a comment says where files of the user are needed."""
    command, _, comment = line.partition("#")
    words = [
        "/".join(PLACEHOLDERS.get(part, part) for part in word.split("/"))
        for word in shlex.split(command)[1:]
    ]
    words = [str(ROOT / word) if (ROOT / word).exists() else word for word in words]
    if "--sdm" in words and not shutil.which(program := words[words.index("--sdm") + 1]):
        pytest.skip(f"{program} is not installed")
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", *words]
    command += ["--dry-run", "--directory", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    needs_files = re.search(r"\byour\b", comment)
    assert (done.returncode == 0) != bool(needs_files), (done.stdout + done.stderr)[-2000:]


@pytest.mark.parametrize("block", CODE)
def test_code_of_the_pages_uses_what_the_library_has(block):
    """Names that are imported exist, and functions of ours take the arguments; nothing is run."""
    tree = ast.parse(block)
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            known |= {alias.name: getattr(module, alias.name) for alias in node.names}
    assert known
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in known:
            keywords = {word.arg: None for word in call.keywords}
            inspect.signature(known[call.func.id]).bind(*call.args, **keywords)


def check_make(arguments):
    """The target and the scale exist; a figure that is named is made by a rule."""
    targets = re.findall(r"^([a-z_]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for word in arguments:
        name, _, value = word.partition("=")
        if name == "F":
            check_target(f"results/figures/{value.removeprefix('boucaud2020/')}.pdf")
        elif name == "SCALE":
            assert value in ("toy", "small", "paper")
        elif name == "BUDGET":
            assert re.fullmatch(r"\d+[smh]", value)
        elif name == "CORES":
            assert value.isdecimal()
        elif name == "PYTHON":
            assert re.fullmatch(r"python3\.1[123]", value)
        elif name == "LOCK":
            assert (ROOT / value).is_file()
        else:
            assert word in targets


def check_snakemake(arguments, comment):
    """Options, configuration files and targets exist; the comment says what paper scale needs."""
    options = get_argument_parser().parse_args(arguments)
    for path in options.configfile:
        assert (ROOT / path).is_file()
    for path in options.profile or ():
        assert (ROOT / path / "config.yaml").is_file()
    for target in options.targets:
        check_target(target, *options.configfile)
    runs = not (options.dryrun or options.list_target_rules)
    downloads = not options.configfile and "no download" not in comment
    assert NEEDS_MORE.search(comment) or not (runs and downloads)


def check_target(target, *overlays):
    """A rule has this name, or makes this file: at toy scale, or with these overlays."""
    path = "/".join(PLACEHOLDERS.get(part, part) for part in target.split("/"))
    small = re.sub("^results/(small/|toy/|galaxyzoo/)?", "results/toy/", path)
    known = makes(small, "config/toy.yaml") or target in declared(ROOT / "config/toy.yaml")["rules"]
    assert known or makes(path, *overlays), target


def makes(path, *overlays):
    """Whether a rule makes the file, with these overlays."""
    rules = declared(*(ROOT / name for name in overlays))["rules"]
    return any(re.fullmatch(made, path) for rule in rules.values() for made in rule["made"])
