"""The paper's curves, and the authors' labels of their stamps."""

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.farrens2022.metrics import parametric_accuracies, summarise
from deblend.farrens2022.published import curves, read_predictions

from tests.unit.farrens2022.conftest import PUBLISHED

BINS = [0.0, 10.0, 40.0]


def labels(n=40):
    """Labels of the same stamps at two noise levels, one isolated stamp without a detection."""
    parts = []
    for sigma, n_wrong in ((5, 2), (35, 8)):
        blended = np.repeat([1, 0], n // 2)
        hunter = np.where(np.arange(n) < n_wrong, 1 - blended, blended)
        sep = np.where(np.arange(n) == n - 1, -1, blended)
        parts.append(
            pd.DataFrame(
                {
                    "noise_sigma": sigma,
                    "realisation": 1,
                    "stamp": range(n),
                    "blended": blended,
                    "dx_px": np.where(blended, 3.0, np.nan),
                    "dy_px": np.where(blended, np.where(np.arange(n) < 5, 4.0, 12.0), np.nan),
                    "blendhunter": hunter,
                    "sep": sep,
                }
            )
        )
    return pd.concat(parts)


def write(folder, table):
    table.to_csv(folder / "labels.csv.gz", index=False)
    return folder / "labels.csv.gz"


def test_the_authors_labels_go_through_our_metrics(tmp_path):
    # The order of the rows does not matter.
    table, hunter, sep = read_predictions(write(tmp_path, labels().sample(frac=1, random_state=1)))
    accuracies, by_distance = parametric_accuracies(table, hunter, sep, BINS)
    mean = summarise(accuracies).set_index(["noise_sigma", "method", "subset"])["mean"]
    assert mean[5.0, "BlendHunter", "all"] == pytest.approx(38 / 40)
    assert mean[35.0, "BlendHunter", "all"] == pytest.approx(32 / 40)
    # A stamp without a detection is wrong and counts.
    assert mean[5.0, "SEP", "all"] == pytest.approx(39 / 40)
    # The companions of the first five are at 5 px: two or all five are missed.
    assert mean[5.0, "BlendHunter", "close"] == pytest.approx(3 / 5)
    assert mean[35.0, "BlendHunter", "close"] == 0
    close = by_distance.query("method == 'BlendHunter' and distance_low_px == 0")
    assert close["n"].tolist() == [5, 5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda t: t.drop(columns="sep"),
            "lacks the columns sep; it has .*: give a table with noise_sigma",
        ),
        (lambda t: t.assign(sep=2), "sep is 2 in row 1"),
        (lambda t: t.assign(dx_px=t["dx_px"].where(t["noise_sigma"] == 5, 9.0)), "noise 35"),
        (lambda t: t.iloc[:-1], "noise 35, realisation 1"),
        (lambda t: t.iloc[:0], "no rows"),
        (lambda t: t.assign(dx_px=np.nan), "dx_px is nan in row 1, a blend: give its companion's"),
        (lambda t: t.assign(dy_px=-99.0), "dy_px is nan in row 1, a blend: give its companion's"),
        (lambda t: t.assign(dy_px="far"), "dy_px of .* has 'far' in row 1, which is not a number"),
        (lambda t: t.assign(stamp=t["stamp"].where(t["stamp"] != 2)), "stamp is missing in row 3"),
        (lambda t: t[[]], ": give a table with noise_sigma, realisation"),
    ],
)
def test_other_tables_are_refused(tmp_path, change, words):
    with pytest.raises(DeblendError, match=words):
        read_predictions(write(tmp_path, change(labels())))


def test_a_missing_table_is_named(tmp_path):
    path = tmp_path / "none.csv.gz"
    with pytest.raises(
        DeblendError, match=r"published_predictions: cannot read the catalogue .*none"
    ):
        read_predictions(path)
    path.write_text("this is not compressed")
    with pytest.raises(DeblendError, match=r"none.csv.gz.*: give a table with noise_sigma"):
        read_predictions(path)


@pytest.fixture(scope="module")
def authors_labels(real_data):
    """The authors' labels, which are not part of the project."""
    return read_predictions(real_data / "published/blendhunter_predictions.csv.gz")


def test_the_authors_labels_have_the_shares_that_are_known(authors_labels):
    """Shares of right labels of the first realisations, counted in the table itself."""
    table, hunter, sep = authors_labels
    assert len(table) == 8000
    assert sorted({sigma for sigma, _ in hunter}) == [5.0, 14.0, 35.0]
    accuracies, _ = parametric_accuracies(table, hunter, sep, BINS)
    mean = summarise(accuracies).set_index(["method", "subset", "noise_sigma"])["mean"].sort_index()
    for method, known in (("SEP", [94.43, 94.52, 74.92]), ("BlendHunter", [95.69, 91.46, 76.86])):
        # At 5, 14 and 35.
        assert (100 * mean[method, "all"]).tolist() == pytest.approx(known, abs=0.006)


def test_curves_are_shares_with_their_errors():
    found = curves(PUBLISHED)
    four = found[4].set_index(["method", "noise_sigma"])
    assert four.loc[("BlendHunter", 35), "mean"] == pytest.approx(0.818)
    assert four["error"].unique() == pytest.approx([0.003])
    five = found[5].set_index(["subset", "noise_sigma"])["mean"]
    assert five["distant_with_isolated", 5] == pytest.approx(-0.053)
    six = found[6].set_index(["method", "kind", "noise_sigma"])
    assert six.loc[("BlendHunter", "negative", 20), ["mean", "error"]].tolist() == [0.446, 0.013]
    assert six.loc[("SEP", "positive", 20), ["mean", "error"]].tolist() == [0.433, 0.0]


def test_figures_5_and_6_agree():
    """Fig. 5's gain of all stamps is that of the fractions of Fig. 6, over SEP's rounded 91 %."""
    found = curves(PUBLISHED)
    hunter = found[6][found[6]["method"] == "BlendHunter"]
    gain = hunter.groupby("noise_sigma")["mean"].sum() - 0.91
    read = found[5][found[5]["subset"] == "all"].set_index("noise_sigma")["mean"]
    assert np.abs(gain - read).max() < 0.004
