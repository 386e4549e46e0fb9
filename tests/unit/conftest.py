import pytest

from tests.figures import keep_figures


@pytest.fixture
def drawn(monkeypatch):
    """Figures that are saved in a test, to look at."""
    return keep_figures(monkeypatch)
