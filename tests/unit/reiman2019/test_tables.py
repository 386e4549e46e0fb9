"""Table 1 of Reiman & Goehre 2019, of made-up galaxies."""

import numpy as np
import pytest
from deblend.reiman2019.tables import table1

from tests.unit.reiman2019.conftest import PUBLISHED, tables


def test_table_1():
    mine = tables()["scores"]
    found = table1(mine, PUBLISHED["table1"]).set_index(["Metric", "Statistic"])
    assert len(found) == 30
    assert found.loc[("PSNR (dB)", "mean"), "Published"] == 34.61
    assert np.isnan(found.loc[("PSNR (dB)", "max"), "Published"])
    blend = mine.loc[mine["method"] == "blend", "ssim"]
    assert found.loc[("SSIM", "min"), "Blend itself"] == pytest.approx(blend.min())
    mse = mine.loc[mine["method"] == "mse", "psnr_db"]
    assert found.loc[("PSNR (dB)", "variance"), "MSE only"] == pytest.approx(mse.var(ddof=0))
