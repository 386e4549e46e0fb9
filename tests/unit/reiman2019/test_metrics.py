"""PSNR and SSIM of images, compared with independent sums and known values."""

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.intervals import wilson_interval
from deblend.reiman2019.metrics import (
    COLUMNS,
    METHODS,
    QUANTITIES,
    error_of_mean,
    power_spectrum,
    read_scores,
    score_images,
    select_examples,
    share_interval,
    spectrum_distance,
    summary,
)
from skimage.metrics import peak_signal_noise_ratio


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(1)
    true = rng.uniform(0, 0.8, (3, 2, 16, 16, 3)).astype(np.float32)
    predicted = np.clip(true + rng.normal(0, 0.05, true.shape), 0, 1).astype(np.float32)
    return predicted, true


def test_psnr_against_a_plain_sum(images):
    predicted, true = images
    found = score_images(predicted, true)
    assert tuple(found) == COLUMNS
    assert found["blend"].tolist() == [0, 0, 1, 1, 2, 2]
    for i, row in found.iterrows():
        p, t = (a[i // 2, i % 2].astype(float) for a in (predicted, true))
        mse = ((p - t) ** 2).sum() / t.size
        assert row["psnr_db"] == pytest.approx(-10 * np.log10(mse), abs=1e-4)
        assert row["psnr_eq6_db"] == pytest.approx(20 * np.log10(t.max() / mse**0.5), abs=1e-4)
        # The same with pixels in [-1, 1], where the data range is 2.
        double = peak_signal_noise_ratio(2 * t - 1, 2 * p - 1, data_range=2)
        assert row["psnr_db"] == pytest.approx(double, abs=1e-4)
        other = true[i // 2, 1 - i % 2].astype(float)
        crossed = -10 * np.log10(((p - other) ** 2).mean())
        assert row["crossed_psnr_db"] == pytest.approx(crossed, abs=1e-4)
        assert row["galaxy"] == ("central", "companion")[i % 2]


def test_perfect_images():
    true = np.random.default_rng(2).uniform(0, 1, (1, 2, 9, 9, 3)).astype(np.float32)
    found = score_images(true, true)
    assert np.isinf(found["psnr_db"]).all()
    assert np.isinf(found["psnr_eq6_db"]).all()
    for column in ("ssim", "ssim_signed", "ssim_authors_code"):
        assert found[column].to_numpy() == pytest.approx(1)


def test_ssim_of_flat_images_is_its_luminance_term():
    """Without structure SSIM is (2 ab + c1) / (a^2 + b^2 + c1), with c1 = (0.01 range)^2."""
    true = np.full((1, 2, 9, 9, 3), 0.2, np.float32)
    predicted = np.full_like(true, 0.3)
    row = score_images(predicted, true).iloc[0]

    def luminance(a, b, data_range):
        c1 = (0.01 * data_range) ** 2
        return (2 * a * b + c1) / (a**2 + b**2 + c1)

    assert row["ssim"] == pytest.approx(luminance(0.2, 0.3, 1), abs=1e-6)
    assert row["ssim_authors_code"] == pytest.approx(luminance(0.2, 0.3, 2), abs=1e-6)
    assert row["ssim_signed"] == pytest.approx(luminance(-0.6, -0.4, 2), abs=1e-6)
    assert row["psnr_db"] == pytest.approx(20, abs=1e-4)
    assert row["psnr_eq6_db"] == pytest.approx(20 + 20 * np.log10(0.2), abs=1e-4)


def test_ssim_against_the_sum_over_windows(images):
    """Eq. 7 for every complete window of 7 x 7 pixels, colour by colour."""
    p, t = (a[0, 0].astype(float) for a in images)
    terms = []
    for y in range(10):
        for x in range(10):
            a, b = (i[y : y + 7, x : x + 7].reshape(49, 3) for i in (p, t))
            (ma, mb), (va, vb) = (a.mean(0), b.mean(0)), (a.var(0, ddof=1), b.var(0, ddof=1))
            covariance = ((a - ma) * (b - mb)).sum(0) / 48
            terms.append(
                (2 * ma * mb + 1e-4)
                * (2 * covariance + 9e-4)
                / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
            )
    assert score_images(*images).loc[0, "ssim"] == pytest.approx(np.mean(terms), abs=1e-5)


def test_the_range_of_the_authors_code_gives_higher_scores(images):
    found = score_images(*images)
    assert (found["ssim_authors_code"] > found["ssim"]).all()


def test_eq6_is_undefined_for_a_black_true_image():
    true = np.zeros((1, 2, 9, 9, 3), np.float32)
    found = score_images(np.full_like(true, 0.1), true)
    assert found["psnr_eq6_db"].isna().all()
    assert found["psnr_db"].to_numpy() == pytest.approx(20, abs=1e-4)


def test_invalid_images_are_refused(images):
    predicted, true = images
    with pytest.raises(DeblendError, match=r"shape \(3, 2, 16, 16\)"):
        score_images(predicted[..., 0], true)
    with pytest.raises(DeblendError, match="the same blends"):
        score_images(predicted[:1], true)
    with pytest.raises(DeblendError, match=r"from -1 to .*\[0, 1\]"):
        score_images(predicted, np.where(true > 0.5, true, -1))
    with pytest.raises(DeblendError, match="7 x 7"):
        score_images(predicted[:, :, :5], true[:, :, :5])
    with pytest.raises(DeblendError, match="predicted has pixels from nan"):
        score_images(np.full_like(true, np.nan), true)


def made_up(psnr_central, psnr_companion, method="gan"):
    """Scores with given PSNR."""
    n = len(psnr_central)
    table = pd.DataFrame(0.5, index=range(2 * n), columns=list(COLUMNS))
    table["blend"] = np.repeat(np.arange(n), 2)
    table["galaxy"] = ["central", "companion"] * n
    table["psnr_db"] = np.column_stack([psnr_central, psnr_companion]).ravel()
    frames = np.arange(2 * n)
    return table.assign(method=method, frame=frames, other_frame=frames ^ 1)


def test_summary_counts_perfect_images_separately():
    table = pd.concat([made_up([20, np.inf, 30], [10, 10, 40]), made_up([1.0], [2.0], "blend")])
    found = summary(table).set_index(["method", "galaxy", "quantity"])
    row = found.loc[("gan", "both", "psnr_db")]
    values = np.array([20, 30, 10, 10, 40])
    assert (row["n"], row["n_infinite"]) == (5, 1)
    assert row["mean"] == values.mean() == 22
    assert row["variance"] == pytest.approx(values.var())
    assert (row["median"], row["min"], row["max"]) == (20, 10, 40)
    assert found.loc[("gan", "companion", "psnr_db"), "mean"] == 20
    assert found.loc[("blend", "both", "psnr_db"), "mean"] == 1.5
    assert len(found) == 2 * 3 * len(QUANTITIES)
    nothing = summary(made_up([np.inf], [np.inf])).set_index(["galaxy", "quantity"])
    assert nothing.loc[("both", "psnr_db"), "n"] == 0
    assert np.isnan(nothing.loc[("both", "psnr_db"), "mean"])


def test_the_error_of_the_mean_allows_for_both_galaxies():
    """Compared with the scatter of the means of many samples of 300 blends of 60 galaxies."""
    rng = np.random.default_rng(8)
    central = rng.integers(0, 60, 300)
    companion = (central + rng.integers(1, 60, 300)) % 60
    frames, others = np.ravel([central, companion], "F"), np.ravel([companion, central], "F")
    means, errors = [], []
    for _ in range(300):
        shown, hiding = rng.normal(size=(2, 60))
        values = shown[frames] + hiding[others] + np.repeat(rng.normal(size=300), 2)
        means.append(values.mean())
        errors.append(error_of_mean(values, frames, others))
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.1)
    assert np.std(means) > 2 * np.sqrt(3 / 600)  # the error for independent images
    unique = np.arange(1200).reshape(2, 600)
    alone = error_of_mean(values, *unique)
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(600), rel=1e-3)
    assert np.isnan(error_of_mean(values, np.zeros(600), np.zeros(600)))
    assert np.isnan(error_of_mean([], [], []))


def test_intervals_of_median_and_variance_are_those_of_normal_scores():
    rng = np.random.default_rng(3)
    table = made_up(rng.normal(30, 2, 2000), rng.normal(30, 2, 2000))
    row = summary(table).set_index(["galaxy", "quantity"]).loc[("both", "psnr_db")]
    half = {
        name: (row[f"{name}_high"] - row[f"{name}_low"]) / 2
        for name in ("mean", "median", "variance")
    }
    assert half["mean"] == pytest.approx(2 / np.sqrt(4000), rel=0.05)
    assert half["median"] == pytest.approx(2 * np.sqrt(np.pi / 2 / 4000), rel=0.1)
    assert half["variance"] == pytest.approx(4 * np.sqrt(2 / 4000), rel=0.1)
    assert row["median_low"] < row["median"] < row["median_high"]


def test_the_interval_of_a_share_is_wilsons_of_independent_images():
    rng = np.random.default_rng(3)
    has, unique = rng.random(500) < 0.3, (np.arange(500), 500 + np.arange(500))
    expected = wilson_interval(has.sum(), 500)
    # As many galaxies as twice the images: the error has their number minus one.
    assert share_interval(has, *unique) == pytest.approx(expected, abs=1e-3)
    # Every blend twice: half as many are independent.
    twice = share_interval(np.tile(has, 2), *(np.tile(x, 2) for x in unique))
    assert twice == pytest.approx(expected, abs=2e-3)
    # Ten galaxies without a failure are no proof that there are none.
    low, high = share_interval(np.zeros(45), np.repeat(range(9), 5), np.full(45, 9))
    assert (low, high) == (0, pytest.approx(1 / 11))
    assert np.isnan(share_interval([], [], [])).all()


def test_the_share_of_images_that_are_nearer_than_the_blend():
    table = pd.concat([made_up([20, 30], [25, np.inf]), made_up([19, 30], [26, 40], "blend")])
    found = summary(table).set_index(["method", "galaxy", "quantity"])["nearer_percent"]
    assert found["gan", "both", "psnr_db"] == 50
    assert found["gan", "central", "psnr_db"] == 50  # 30 dB is not nearer than 30 dB
    assert found["gan", "both", "spectrum_dex"] == 0
    alone = summary(made_up([20.0], [20.0]))
    assert alone["nearer_percent"].isna().all()


def test_the_power_spectrum_shows_waves_and_its_distance_their_amplitudes():
    x = np.arange(32)
    wave = np.cos(2 * np.pi * 5 * x / 32)[None, :, None] * np.ones((32, 1, 3))
    power = power_spectrum(0.5 + 0.3 * wave)
    assert np.argmax(power) == 4  # five cycles
    # Parseval: the variance of the image is the mean of the power of all its modes.
    n_modes = np.bincount(
        np.rint(32 * np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(32)]))).astype(int).ravel()
    )[1:17]
    assert (power * n_modes).sum() / 32**2 == pytest.approx(0.3**2 / 2)
    # Half the amplitude is a quarter of the power, in one of 16 rings.
    distance = spectrum_distance(0.5 + 0.15 * wave, 0.5 + 0.3 * wave)
    assert distance == pytest.approx(np.log10(4) / 4, rel=1e-3)
    noise = np.random.default_rng(1).normal(0, 0.05, wave.shape)
    assert spectrum_distance(noise + 0.5, noise + 0.5) == 0
    smooth = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, 1, (0, 1))) / 4
    assert spectrum_distance(smooth, noise) > 0.3
    assert spectrum_distance(-noise, noise) == pytest.approx(0)  # phases do not count


def test_examples_are_chosen_by_the_worse_galaxy():
    # In blend i the lower PSNR is 10 + i; the PSNR of the other galaxy is in the reverse order.
    n = 16
    worse, better = 10.0 + np.arange(n), 100.0 - np.arange(n)
    swap = np.arange(n) % 2 == 0
    gan = made_up(np.where(swap, worse, better), np.where(swap, better, worse))
    table = pd.concat([made_up(better[::-1], worse[::-1], "mse"), gan])
    found = select_examples(table, 2, 3)
    # The best quarter is 15, 14, 13, 12.
    assert found["blend"].tolist() == [15, 12, 0, 1, 2]
    assert found["kind"].tolist() == ["success"] * 2 + ["failure"] * 3
    assert found.loc[2, "psnr_central_db"] == 10
    assert found.loc[0, "psnr_companion_db"] == 25
    assert list(found) == ["blend", "kind", "psnr_central_db", "psnr_companion_db"]
    assert select_examples(table, 0, 0).empty
    with pytest.raises(DeblendError, match="5 successes and 1 failures .* 16 test blends"):
        select_examples(table, 5, 1)
    with pytest.raises(DeblendError, match="best quarter has 4"):
        select_examples(table, 1, 13)


def test_broken_score_files_are_refused(tmp_path):
    path = tmp_path / "scores.csv"
    parts = [made_up([20.0], [np.inf], method) for method in METHODS]
    pd.concat(parts).to_csv(path, index=False)
    assert np.isinf(read_scores(path)["psnr_db"]).sum() == len(METHODS)
    pd.concat([part for part in parts if not (part["method"] == "blend").any()]).to_csv(
        path, index=False
    )
    with pytest.raises(DeblendError, match="no scores of blend"):
        read_scores(path)
    parts[0].drop(columns="ssim").to_csv(path, index=False)
    with pytest.raises(DeblendError, match="lacks the columns ssim"):
        read_scores(path)
