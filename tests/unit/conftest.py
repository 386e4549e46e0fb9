import pytest

from tests.figures import keep_figures


@pytest.fixture
def drawn(monkeypatch):
    """List of the figures that are saved in a test."""
    return keep_figures(monkeypatch)
