"""The table of detections, with made-up blends."""

import numpy as np
import pytest
from deblend.hemmati2022.metrics import flux_improvement
from deblend.hemmati2022.tables import detection_table

from tests.unit.hemmati2022.test_claims import N, blends, false_positives, photometry
from tests.unit.hemmati2022.test_reproduction import PUBLISHED


def test_table_of_detections():
    found = detection_table(
        blends().assign(detected_gan_multi=np.nan), false_positives(), photometry(), PUBLISHED
    )
    index = found.set_index(["Quantity", "Resolution"])
    row = index.loc[("Blends detected (%)", "GAN")]
    assert row["Value"] == pytest.approx(100 * blends()["detected_gan"].mean())
    assert row["Low"] < row["Value"] < row["High"]
    assert (row["n"], row["Published"]) == (N, 50)
    row = index.loc[("Blends detected (%)", "GAN, multi-band")]
    assert np.isnan(row["Value"])
    assert (row["n"], row["Published"]) == (0, 60)
    assert np.isnan(index.loc[("Blends detected (%)", "low, best filter"), "Published"])
    row = index.loc[("Single galaxies with a false peak (%)", "GAN")]
    # The threshold is set for this rate.
    assert row["Value"] == 1 and np.isnan(row["Published"])
    row = index.loc[("One peak in high and low, a false one here (% of those)", "GAN")]
    assert (row["Value"], row["Published"]) == (1.5, 1)
    places = false_positives().assign(chance=0.04)
    table = detection_table(blends(), places, photometry(), PUBLISHED)
    row = table.set_index(["Quantity", "Resolution"]).loc[
        ("Random places in blends that match a catalogued galaxy (%)", "GAN")
    ]
    assert row["Value"] == pytest.approx(4) and row["n"] == 5000
    ratio = index.loc[("Median |flux error|, low over GAN", "GAN")]
    assert ratio["Value"] == pytest.approx(flux_improvement(photometry())["ratio"])
    assert ratio["Published"] == 10
    fits = photometry()
    brighter = fits.assign(mag_input=fits["mag_true"])
    ratio = index.loc[("Median |flux error, catalogue's|, low over GAN", "GAN")]
    assert ratio["Value"] == pytest.approx(flux_improvement(brighter)["ratio"])
    offset = index.loc[("Median offset, low over GAN", "GAN")]
    assert offset["Value"] == pytest.approx(flux_improvement(photometry())["offset_ratio"])
    assert offset["Published"] == 10
    assert not index.index.duplicated().any()


def test_few_blends_are_said_to_be_few():
    fits = photometry().head(20)
    fits = fits.assign(mag_gan_multi=fits["mag_gan"], flags_gan_multi=0)
    table = detection_table(blends(), false_positives(), fits, PUBLISHED)
    table = table[table["Quantity"].str.startswith("Median")]
    assert table["Quantity"].str.endswith("(few blends)").all()
    assert (table["n"] == 20).all()
    assert {"GAN", "GAN, multi-band"} <= set(table["Resolution"])


def test_failed_fits_are_counted():
    fits = photometry().copy()
    fits.loc[fits.index[:3], "flags_gan"] = 1
    table = detection_table(blends(), false_positives(), fits, PUBLISHED)
    row = table.set_index("Quantity").loc["Blends with a failed fit (%)"]
    assert row["Value"] == pytest.approx(100 * 3 / len(fits))
    assert row["n"] == len(fits)
