"""The fit of the simulator's priors."""

import numpy as np
import pandas as pd
import pytest
from deblend.data.priors import cumulative_counts, fit, fit_counts, read_3dhst


def test_counts_are_recovered():
    # Counts that go as 10**(0.4 m): the share brighter than m is known.
    rng = np.random.default_rng(0)
    b = 0.4 * np.log(10)
    mag = 18 + np.log1p(rng.uniform(size=20000) * np.expm1(5 * b)) / b
    fitted = fit_counts(mag, 18.0, 23.0)
    assert fitted["slope"] == pytest.approx(0.4, abs=0.03)
    assert fitted["curvature"] == pytest.approx(0.0, abs=0.02)
    grid, share = cumulative_counts(0.4, 0.0, 18.0, 23.0)
    expected = np.expm1(b * (grid - 18)) / np.expm1(5 * b)
    np.testing.assert_allclose(share, expected, atol=1e-4)


def test_columns_are_found_by_their_names(tmp_path):
    """In another order than that of the files at hand, and with rows of one table only."""
    galfit, fast = tmp_path / "a.galfit", tmp_path / "a.fout"
    galfit.write_text(
        "# NUMBER f re mag n q\n#\n1 0 0.3 21 1.5 0.5\n2 0 0.3 22 2.5 0.6\n3 2 0.3 20 1 0.7\n"
    )
    fast.write_text("# id lmass z lssfr\n# FAST version: 0.9b\n2 10.5 0.8 -99\n1 9.5 0.7 -9\n")
    found = read_3dhst(galfit, fast)
    assert found["id"].tolist() == ["1", "2"]
    columns = ["mag", "r_px", "n", "q", "z", "lmass", "lssfr"]
    expected = [[21, 5, 1.5, 0.5, 0.7, 9.5, -9], [22, 5, 2.5, 0.6, 0.8, 10.5, -99]]
    np.testing.assert_allclose(found[columns], expected)


def test_the_fit_is_that_of_the_committed_priors(real_data, priors):
    folder = real_data / "catalogues"
    catalogue = read_3dhst(
        folder / "cosmos_3dhst.v4.1_f160w.galfit.gz", folder / "cosmos_3dhst.v4.1.fout.gz"
    )
    sample = pd.read_csv(real_data / "published" / "boucaud2020_output_catalog_sample.csv")
    fitted = fit(catalogue, sample)
    numbers = dict(leaves(priors))
    assert len(numbers) > 60
    assert dict(leaves(fitted)) == pytest.approx(numbers, abs=1e-4)


def leaves(tree, path=()):
    """Every number of nested dicts and lists, with its path."""
    if isinstance(tree, dict | list):
        for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(part, (*path, key))
    elif not isinstance(tree, str):
        yield path, tree
