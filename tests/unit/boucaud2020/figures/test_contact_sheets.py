import numpy as np
import pytest
from deblend.boucaud2020.figures.contact_sheets import draw_contact_sheets
from deblend.data.stamps import write_stamps
from deblend.plots.images import asinh_stretch

from tests.conftest import make_stamps


def test_the_stretch_keeps_order_and_range():
    image = np.array([[-1.0, 0.0, 0.01, 0.1, 1.0]])
    stretched = asinh_stretch(image, 0.01)
    assert (np.diff(stretched[0]) > 0).all()
    assert stretched[0, [0, -1]].tolist() == [0, 1]
    assert np.isfinite(asinh_stretch(np.zeros((3, 3)), 0.0)).all()
    assert asinh_stretch(image, 0.01, peak=10.0).max() < 1


@pytest.mark.parametrize(("n", "pages"), [(3, 1), (81, 2)])
def test_contact_sheets_are_the_same_when_remade(tmp_path, n, pages):
    images = np.random.default_rng(0).normal(0, 0.0065, (n, 16, 16))
    write_stamps(tmp_path / "stamps.h5", make_stamps(images))
    for name in ("one.pdf", "two.pdf"):
        assert draw_contact_sheets(tmp_path / "stamps.h5", tmp_path / name, "toy") == pages
    content = (tmp_path / "one.pdf").read_bytes()
    assert content == (tmp_path / "two.pdf").read_bytes()
    assert content.count(b"/Type /Page ") == pages
    assert b"CreationDate" not in content
