"""Each adapter can import what it needs in the conda environment of its rule."""

import ast
import json
import os
import re
import subprocess
import sys
from importlib import metadata

import pytest
import yaml
from deblend.run.code import definitions_used
from packaging.markers import Marker
from packaging.requirements import Requirement

from tests.rules import ROOT, declared

ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
#: Names on PyPI of packages that have another name at conda-forge.
PYPI = {"pytorch": "torch", "tensorflow": "tensorflow-cpu"}
#: Optional packages: one that is not on PyPI, and those of scarlet2.
OPTIONAL = {"ngmix", "scarlet2", "jax", "jaxlib", "equinox", "numpyro", "optax"}

#: Program that reads names of modules and the import statements of each adapter. It runs the
#: statements while these modules cannot be imported, and prints those that fail.
PROGRAM = """
import json, sys
from importlib.machinery import PathFinder

hidden, statements = json.load(sys.stdin)

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in hidden:
            return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
failed = {}
for adapter, lines in statements.items():
    for line in lines:
        try:
            exec(line, {})
        except (ImportError, AssertionError) as error:
            failed.setdefault(adapter, []).append(f"{line}: {error}")
print(json.dumps(failed))
"""


def normal(name):
    """Normalised name of a package, as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def packages(environment):
    """Packages of an environment file, with their names on PyPI."""
    lines = []
    for line in yaml.safe_load(environment.read_text())["dependencies"]:
        lines += line["pip"] if isinstance(line, dict) else [line]
    parts = [line.partition(";") for line in lines]
    here = [line for line, _, marker in parts if not marker or Marker(marker).evaluate()]
    names = [normal(re.split(r"[=<>]", line)[0].strip()) for line in here]
    return {PYPI.get(name, name) for name in names} - {"python", "pip"} - OPTIONAL


def with_dependencies(names):
    """Packages with all their dependencies."""
    found, todo = set(), [(name, "") for name in names]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in found:
            continue
        found.add((name, extra))
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                todo += [(normal(requirement.name), more) for more in ("", *requirement.extras)]
    return {name for name, _ in found}


def imports(tree):
    """Import statements anywhere in code, and calls of `import_module` with constant strings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield ast.unparse(node)
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            # The library handles errors of these imports: here it is only checked that the module
            # exists.
            name = getattr(node.args[0], "value", "").split(".")[0]
            if name and name not in OPTIONAL:
                yield f"from importlib.util import find_spec; assert find_spec({name!r})"


def imports_of_adapter(script):
    """Import statements of an adapter, and those in functions of the library that it uses."""
    found = list(imports(ast.parse(script.read_text())))
    for module, names in sorted(definitions_used(script, ROOT / "src").items()):
        path = (ROOT / "src").joinpath(*module.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for node in ast.parse(path.read_text()).body:
            if getattr(node, "name", None) in names:
                found += imports(node)
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def adapters():
    """Adapters of the rules of each environment."""
    found = {}
    for rule in declared(ROOT / "config" / "toy.yaml")["rules"].values():
        if rule["script"]:
            found.setdefault(rule["conda"], set()).add(rule["script"])
    return found


def test_every_environment_is_used(adapters):
    assert adapters.keys() == {path.name for path in ENVIRONMENTS}


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_adapters_import_what_their_environment_has(adapters, environment):
    available = with_dependencies(packages(environment))
    of_module = metadata.packages_distributions()
    hidden = [
        module for module, names in of_module.items() if not available & {normal(n) for n in names}
    ]
    statements = {
        script: imports_of_adapter(ROOT / script) for script in sorted(adapters[environment.name])
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        input=json.dumps([hidden, statements]),
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT / "src"),
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    failed = json.loads(done.stdout.splitlines()[-1])
    assert not failed, f"{environment.name}: {json.dumps(failed, indent=1)}"
