import pytest
from deblend.benchmark.registry import function_from, method_of
from deblend.errors import DeblendError


def builtin(scenes, positions=None, seed=0, **options):
    return options


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def measure(scenes, positions=None, seed=0, power=1):\n    return power\n")
    return path


def test_a_function_of_a_file_gets_its_options(file):
    entry = {"kind": "function", "function": f"{file}:measure", "options": {"power": 3}}
    entry |= {"environment": "analysis", "positions": "detected", "subset": None}
    assert method_of(entry, {}, {})(None) == 3


def test_a_built_in_method_gets_options_and_files():
    entry = {"kind": "b", "network": "n", "contrast": 0.1, "subset": 5}
    found = method_of(entry, {"b": builtin}, {"weights": "w.h5"})
    assert found(None) == {"contrast": 0.1, "weights": "w.h5"}


@pytest.mark.parametrize(
    ("text", "message"),
    [("none.py:measure", "give an existing file"), ("{file}:other", "has no function other")],
)
def test_what_is_not_there_is_refused(file, text, message):
    with pytest.raises(DeblendError, match=message):
        function_from(text.format(file=file))
