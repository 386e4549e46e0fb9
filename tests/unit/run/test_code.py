"""Digests of code: which changes count and which do not."""

import ast
import itertools
import json
import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from deblend.errors import DeblendError
from deblend.run.code import code_digest, definitions_used, main
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted((ROOT / "workflow" / "scripts").rglob("*.py"))

SCRIPT = '''
"""Adapter: a figure."""
import json
from deblend.draw import draw as draw_it
from deblend.deep import stamps

with open("log") as log:
    draw_it(stamps.read(1), json)
'''
DRAW = '''
"""Drawings."""
import os
from math import sqrt, floor
from deblend.base import Base, marked
from deblend.names import SIZE

sqrt_of_two = 1.4

WIDTH = 3
#: Unused.
HEIGHT = 4
settings = {}
settings["size"] = SIZE


@marked
class Panel(Base):
    """A panel."""

    edge: int = WIDTH
    """Width of its edge."""

    def size(self, scale=SIZE):
        """Size of the panel."""
        return sqrt(scale)  # rounded later


def draw(image, how):
    """Draw."""
    from deblend.inner import inner

    return Panel(), inner(image)


def unused(image):
    return floor(image) + HEIGHT
'''
LIBRARY = {
    "__init__": "",
    "draw": DRAW,
    "base": """
        def marked(cls):
            return cls

        class Base:
            pass

        class Other:
            pass
    """,
    "names": "from deblend.numbers import LARGE as SIZE",
    "numbers": "LARGE = 7\nSMALL = 1",
    "inner": """
        def inner(x):
            return even(x, 3)

        def even(x, n):
            return x if n == 0 else odd(x, n - 1)

        def odd(x, n):
            return even(x, n - 1)
    """,
    "deep/__init__": "",
    "deep/stamps": "def read(n):\n    return n\n\ndef write(n):\n    pass",
}


TIMES = itertools.count(1_700_000_000)


def touch(path):
    """Give a file a new modification time, since edits can be faster than a file system's clock."""
    time = next(TIMES)
    os.utime(path, (time, time))


class Project:
    """A small library and a script in a folder."""

    def __init__(self, folder):
        self.script, self.library = folder / "script.py", folder / "src"
        self.write_script(SCRIPT)
        for name, text in LIBRARY.items():
            self.write(name, text)

    def write_script(self, text):
        self.script.parent.mkdir(parents=True, exist_ok=True)
        self.script.write_text(textwrap.dedent(text))
        touch(self.script)

    def write(self, name, text):
        path = self.library / "deblend" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        touch(path)

    def edit(self, name, old, new):
        path = self.library / "deblend" / f"{name}.py" if name else self.script
        text = path.read_text()
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new))
        touch(path)

    def digest(self):
        return code_digest(self.script, self.library)

    def used(self):
        return definitions_used(self.script, self.library)


@pytest.fixture
def small(tmp_path):
    return Project(tmp_path)


def test_what_is_used(small):
    assert small.used() == {
        "deblend.draw": {"draw", "Panel", "WIDTH", "settings"},
        "deblend.base": {"Base", "marked"},
        "deblend.names": set(),
        "deblend.numbers": {"LARGE"},
        "deblend.inner": {"inner", "even", "odd"},
        "deblend.deep.stamps": {"read"},
    }
    assert len(small.digest()) == 16


SAME = {
    "comment": ("draw", "# rounded later", "# rounded down later"),
    "docstring of a module": ("draw", "Drawings.", "All the drawings."),
    "docstring of a function": ("draw", '"""Draw."""', '"""Draw it all."""'),
    "no docstring": ("draw", '"""Draw."""', ""),
    "docstring of a class": ("draw", "A panel.", "A large panel."),
    "docstring of an attribute": ("draw", "Width of its edge.", "Edge."),
    "formatting": (
        "draw",
        "return Panel(), inner(image)",
        "return (\n        Panel(),\n inner(image))",
    ),
    "lines": ("draw", "settings = {}", "\n\n\nsettings = {}"),
    "unused function": ("draw", "floor(image) + HEIGHT", "floor(image) - HEIGHT"),
    "unused constant": ("draw", "HEIGHT = 4", "HEIGHT = 5"),
    "unused import": ("draw", "import os", "import sys"),
    "unused import of the library": ("draw", "import os", "from deblend.base import Other"),
    "order of imports": ("draw", "import sqrt, floor", "import floor, sqrt"),
    "unused class": ("base", "class Other:\n    pass", "class Other:\n    a = 1"),
    "unused function of a module": ("deep/stamps", "    pass", "    return 1"),
    "quotes": ("draw", '["size"]', "['size']"),
    "comment in the script": ("", "draw_it(stamps", "# now\n    draw_it(stamps"),
    "docstring of the script": ("", "Adapter: a figure.", "Adapter: the figure."),
}
OTHER = {
    "function": ("draw", "inner(image)", "inner(image + 1)"),
    "constant": ("draw", "WIDTH = 3", "WIDTH = 4"),
    "type of a constant": ("draw", "WIDTH = 3", "WIDTH = 3.0"),
    "base class": ("base", "class Base:\n    pass", "class Base:\n    a = 1"),
    "decorator": ("base", "return cls", "return cls or 0"),
    "decorator taken away": ("draw", "@marked\n", ""),
    "default argument, defined elsewhere": ("numbers", "LARGE = 7", "LARGE = 8"),
    "re-export": ("names", "import LARGE as SIZE", "import SMALL as SIZE"),
    "where a name comes from": (
        "draw",
        "from math import sqrt, floor",
        "from numpy import sqrt, floor",
    ),
    "statement": ("draw", '["size"] = SIZE', '["size"] = 2 * SIZE'),
    "new statement": ("draw", "settings = {}", "settings = {}\nprint(1)"),
    "all": ("draw", "WIDTH = 3", "WIDTH = 3\n__all__ = []"),
    "method": ("draw", "return sqrt(scale)", "return sqrt(scale) + 1"),
    "import in a function": ("inner", "return even(x, 3)", "return even(x, 4)"),
    "one of two that call each other": ("inner", "else odd", "else 1 + odd"),
    "module as an attribute": ("deep/stamps", "return n", "return -n"),
    "script": ("", "read(1)", "read(2)"),
    "future": ("draw", "import os", "from __future__ import annotations"),
    "package": ("deep/__init__", "", "print('deep')"),
    "top package": ("__init__", "", "print('top')"),
}


@pytest.mark.parametrize("edit", SAME.values(), ids=SAME)
def test_an_edit_that_changes_nothing(small, edit):
    before = small.digest()
    small.edit(*edit)
    assert small.digest() == before


@pytest.mark.parametrize("edit", OTHER.values(), ids=OTHER)
def test_an_edit_that_counts(small, edit):
    before = small.digest()
    if edit[1]:
        small.edit(*edit)
    else:
        small.write(edit[0], edit[2])
    assert small.digest() != before


def test_a_file_that_is_not_used(small):
    before = small.digest()
    small.write("more", "print(1)")
    small.write("deep/more", "from deblend.nothing import x")
    assert small.digest() == before


def test_location_and_hash_seed_do_not_count(small, tmp_path):
    other = Project(tmp_path / "elsewhere" / "deeper")
    assert other.digest() == small.digest()
    for seed in "01":
        command = [sys.executable, "-m", "deblend.run.code", small.script]
        command += ["--library", small.library]
        env = {"PYTHONPATH": ROOT / "src", "PYTHONHASHSEED": seed}
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
        assert small.digest() in done.stdout


#: Scripts of one line, and the names that they use of `names`, `inner`, `numbers` and
#: `deep/stamps`.
WAYS = {
    "from deblend.inner import odd as o; o(1)": {"inner": {"odd", "even"}},
    "import deblend.inner; deblend.inner.odd(1)": {"inner": {"odd", "even"}},
    "import deblend.deep.stamps as s; s.read(1)": {"deep.stamps": {"read"}},
    "from deblend import inner as i; i.odd.__name__": {"inner": {"odd", "even"}},
    "from deblend.names import SIZE; SIZE": {"names": set(), "numbers": {"LARGE"}},
    "from deblend import names; names.SIZE": {"names": set(), "numbers": {"LARGE"}},
    "from deblend import inner; getattr(inner, 'o' + 'dd')": {"inner": {"inner", "odd", "even"}},
    "from deblend import inner; m = inner; m.odd": {"inner": {"inner", "odd", "even"}},
    "from deblend import inner; inner.__dict__": {"inner": {"inner", "odd", "even"}},
    "from deblend.inner import *; odd(1)": {"inner": {"inner", "odd", "even"}},
    "import importlib as i; i.import_module('deblend.numbers')": {"numbers": {"LARGE", "SMALL"}},
    "from importlib import import_module as i; i('deblend.names')": {
        "names": set(),
        "numbers": {"LARGE"},
    },
    "__import__('deblend.numbers')": {"numbers": {"LARGE", "SMALL"}},
    "from deblend import deep; getattr(deep, x)": {"deep": set(), "deep.stamps": {"read", "write"}},
    "print('deblend.numbers')": {},
    "from deblend.inner import odd": {},
    "def f(odd):\n    return odd\nfrom deblend.inner import even as odd\nf(1)": {},
    "from deblend.deep.stamps import read\nread = [read for read in read]": {
        "deep.stamps": {"read"}
    },
    "def f():\n    from deblend.numbers import LARGE\n    return lambda x: x + LARGE": {
        "numbers": {"LARGE"}
    },
    "class A:\n    from deblend.numbers import LARGE\n    size = LARGE": {"numbers": {"LARGE"}},
    "x, y = 1, 2\ndef f():\n    return x": {},
    "try:\n    from deblend.numbers import LARGE\nexcept ImportError:\n    LARGE = 1\nLARGE": {
        "numbers": {"LARGE"}
    },
    "from deblend.numbers import LARGE\ndef f(a: LARGE): pass": {"numbers": {"LARGE"}},
    "from deblend.numbers import LARGE\ndef f(LARGE=LARGE): pass": {"numbers": {"LARGE"}},
}


@pytest.mark.parametrize("text", WAYS)
def test_ways_to_a_name(small, text):
    small.write_script(text)
    assert small.used() == {f"deblend.{name}": names for name, names in WAYS[text].items()}


@pytest.mark.parametrize(
    "text",
    [
        "from . import inner as i\ndef f():\n    return i.odd",
        "from .inner import odd as o\ndef f():\n    return o",
        "from .deep.stamps import read\nfrom .inner import odd as o\nf = o",
        "import deblend.inner as i\nclass f:\n    def g(self):\n        return i.odd",
        "from deblend.inner import odd as o\nf, g = [o, 1]",
        "def f(x):\n    from .inner import odd as x\n    return [x for y in x]",
    ],
)
def test_ways_to_a_name_in_the_library(small, text):
    small.write("way", text)
    small.write_script("from deblend.way import f; f")
    assert {"way", "inner"} == {name.removeprefix("deblend.") for name in small.used()}
    assert small.used()["deblend.inner"] == {"odd", "even"}


def test_a_package_that_imports_names_of_its_modules(small):
    small.write(
        "deep/__init__", "from deblend.deep.stamps import read\nfrom deblend.deep import stamps"
    )
    for text in (
        "from deblend.deep import read; read",
        "from deblend.deep import stamps; stamps.read",
    ):
        small.write_script(text)
        assert small.used() == {"deblend.deep": set(), "deblend.deep.stamps": {"read"}}


def test_names_of_one_statement_count_together(small):
    small.write("numbers", "LARGE, (SMALL, *REST) = 7, (1, 2)")
    assert small.used()["deblend.numbers"] == {"LARGE", "SMALL", "REST"}


def test_reflection_counts_the_module(small):
    small.write("deep/stamps", "def read(n):\n    return globals()[n]\n\ndef write(n):\n    pass")
    assert small.used()["deblend.deep.stamps"] == {"read", "write"}


def test_modules_that_import_all_of_each_other(small):
    small.write("first", "from deblend.second import *\na = 1")
    small.write("second", "from deblend.first import *\nb = 1")
    small.write_script("import deblend.first as f\nprint(f.a, f.b)")
    assert small.used() == {"deblend.first": {"a"}, "deblend.second": {"b"}}


def test_a_registered_definition_counts_with_its_module(small):
    small.write("claims", """
        from functools import cache
        from deblend.base import marked
        CLAIMS = []
        @marked
        def one():
            return 1
        @cache
        def two():
            return 2
    """)  # fmt: skip
    small.write_script("from deblend.claims import CLAIMS; CLAIMS")
    assert small.used() == {"deblend.claims": {"CLAIMS", "one"}, "deblend.base": {"marked"}}


def test_the_description_of_a_key_does_not_count(small):
    model = """
        from pydantic import Field
        SIZE = Field(gt=0, description="Size of a stamp.")
    """
    small.write("names", model)
    before = small.digest()
    small.write("names", model.replace("Size of a stamp", "Its side, pixels"))
    assert small.digest() == before
    small.write("names", model.replace("gt=0", "gt=1"))
    assert small.digest() != before


def test_an_unknown_name_is_an_error(small):
    small.edit("deep/stamps", "def read", "def read_all")
    with pytest.raises(DeblendError, match=r"script\.py: deblend\.deep\.stamps has no 'read'"):
        small.digest()
    small.write_script("from deblend.nothing import x; x")
    with pytest.raises(DeblendError, match=r"script\.py: deblend has no 'nothing'"):
        small.digest()
    small.write_script("from deblend.draw import draw; draw")
    small.edit("names", "LARGE", "HUGE")
    with pytest.raises(
        DeblendError, match=r"through deblend\.names\): deblend\.numbers has no 'HUGE'"
    ):
        small.digest()


def test_code_that_does_not_parse(small):
    small.edit("inner", "else odd", "els odd")
    with pytest.raises(DeblendError, match=r"inner\.py:6: .*correct the code"):
        small.digest()
    small.write_script("x =\n")
    with pytest.raises(DeblendError, match=r"script\.py:1: "):
        small.digest()
    small.script.unlink()
    with pytest.raises(DeblendError, match="no such script"):
        small.digest()


def test_main_prints_what_is_used(small, capsys):
    main([str(small.script), "--library", str(small.library)])
    text = capsys.readouterr().out
    assert f"{small.script}: {small.digest()}\n" in text
    assert "  deblend.inner: even, inner, odd\n" in text
    assert "  deblend.names: (statements)\n" in text


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(9)), seed=st.integers(0, 99))
def test_formatting_and_order_do_not_count(small, order, seed):
    """Code without comments, parsed and written again, with its definitions in any order."""
    before = small.digest()
    path = small.library / "deblend" / "inner.py"
    body = ast.parse(textwrap.dedent(LIBRARY["inner"])).body
    random.Random(seed).shuffle(body)
    blank = "\n" * (1 + order[0])
    path.write_text(blank.join(ast.unparse(node) for node in body) + "# end" * order[1])
    touch(path)
    assert small.digest() == before


VALUES = st.one_of(st.integers(-9, 9), st.floats(), st.text(), st.binary(), st.booleans())


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.tuples(VALUES, VALUES))
def test_any_other_value_counts(small, values):
    digests = []
    for value in values:
        small.write("numbers", f"LARGE = {value!r}")
        digests.append(small.digest())
    assert (digests[0] == digests[1]) == (repr(values[0]) == repr(values[1]))


def test_every_script_is_followed():
    for script in SCRIPTS:
        assert "logs" in str(definitions_used(script, ROOT / "src")), script


#: Program that prints what each definition of the library refers to, according to Python's
#: compiler, resolved after everything is imported: {module: {name: [[module, name], ...]}}.
REFERENCES = '''
import dis, importlib, json, pkgutil, sys, types
from pathlib import Path
import deblend

def names(code):
    """Global names of code and of the functions in it, imports in functions too."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval, None
        elif step.opname == "IMPORT_NAME":
            imported = step.argval
        elif step.opname == "IMPORT_FROM":
            yield step.argval, imported
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names(constant)

def home(value, name, module):
    """Where a value is defined."""
    if isinstance(value, types.ModuleType):
        return value.__name__, None
    if isinstance(value, type | types.FunctionType) and hasattr(value, "__qualname__"):
        return value.__module__, value.__qualname__
    return module, name

found = {}
for info in pkgutil.walk_packages(deblend.__path__, "deblend."):
    module = importlib.import_module(info.name)
    path = Path(module.__file__)
    top = compile(path.read_text(), str(path), "exec")
    found[info.name] = {}
    for code in top.co_consts:
        if not isinstance(code, types.CodeType) or "<" in code.co_name:
            continue
        ends = found[info.name].setdefault(code.co_name, [])
        for name, imported in names(code):
            space = vars(module if imported is None else importlib.import_module(imported))
            if name in space:
                ends.append(home(space[name], name, imported or info.name))
        value = getattr(module, code.co_name)
        for base in value.__mro__ if isinstance(value, type) else ():
            ends.append(home(base, "", ""))
for script in sys.argv[1:]:
    top = compile(Path(script).read_text(), script, "exec")
    ends = [(name, imported) for name, imported in names(top) if "deblend" in (imported or "")]
    found[script] = {"": [
        home(vars(importlib.import_module(imported))[name], name, imported)
        for name, imported in ends
    ]}
json.dump(found, sys.stdout)
'''


@pytest.fixture(scope="module")
def references():
    env = {"PYTHONPATH": str(ROOT / "src"), "KERAS_BACKEND": "tensorflow", "OMP_NUM_THREADS": "1"}
    env |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", REFERENCES, *map(str, SCRIPTS)],
        capture_output=True,
        text=True,
        env=env,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_digests_cover_what_python_refers_to(references):
    """Definitions that count only refer to others that count, according to Python's compiler.

    For a value without a name of its own, such as a constant, only the module is compared: the
    module that the value may come from has to be used.
    """
    assert len(references) > 90
    for script in SCRIPTS:
        used = definitions_used(script, ROOT / "src")
        for module, names in {**used, str(script): {""}}.items():
            for name in names & references[module].keys():
                for origin, end in references[module][name]:
                    if not origin.startswith("deblend."):
                        continue
                    message = f"{script}: {module} {name} refers to {origin} {end}"
                    assert origin in used, message
                    if end in references[origin]:
                        assert end in used[origin], message
