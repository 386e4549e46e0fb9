"""The most telling numbers of a run."""

import numpy as np
import pandas as pd
import pytest
from deblend.report.highlights import (
    boucaud2020,
    farrens2022,
    find_highlights,
    hemmati2022,
    highlights_table,
    highlights_text,
    reiman2019,
)

PUBLISHED = {
    "boucaud2020": {
        "panels": [
            {"figure": "fig5", "network": "blend2flux", "galaxy": "central", "n": 5, "sigma": 0.11},
            {"figure": "fig5", "network": "blend2flux", "galaxy": "central", "sigma": 0.1},
            {"figure": "fig5", "network": "blend2flux", "galaxy": "companion", "sigma": 0.9},
            {"figure": "fig6", "network": "blend2flux", "galaxy": "pair_detected", "sigma": 0.8},
            {"figure": "fig5", "network": "blend2mask2flux", "galaxy": "central", "mean": 0.016},
            {"figure": "fig5", "network": "blend2mask2flux", "galaxy": "central", "sigma": 0.2},
            {"figure": "fig5", "network": "sextractor", "galaxy": "central", "sigma": [0.5, 0.7]},
        ],
        "mean_iou": {"unet": 0.82, "blend2mask2flux": 0.7},
    },
    "farrens2022": {"sep_accuracy_percent": {"all": 91, "close": 69}},
    "reiman2019": {"table1": {"psnr_db": {"mean": 34.61}}},
    "hemmati2022": {
        "detected_percent": {"high": 80, "low": 10, "gan": 50},
        "flux_improvement": 10,
    },
}
HEADINGS = {
    "boucaud2020": "Boucaud et al. 2020: results/toy/figures",
    "farrens2022": "Farrens et al. 2022: results/toy/figures/farrens2022",
    "reiman2019": "Reiman & Goehre 2019: results/toy/figures/reiman2019",
    "hemmati2022": "Hemmati et al. 2022: results/toy/figures/hemmati2022",
}
NETWORKS = {"blend2flux": "large", "unet": "masks", "blend2mask2flux": "joint"}


def photometry():
    rows = [
        (method, galaxy, selection, 40_000 + i, 0.1 * i)
        for i, (method, galaxy, selection) in enumerate(
            (m, g, s)
            for m in ("large", "joint", "sep_iso", "sep_auto")
            for g in ("central", "companion")
            for s in ("all", "found")
        )
    ]
    table = pd.DataFrame(rows, columns=["method", "galaxy", "selection", "n", "sigma_mag"])
    sigma = table["sigma_mag"]
    return table.assign(sigma_mag_low=sigma - 0.01, sigma_mag_high=sigma + 0.02)


def accuracies(**by_noise):
    """Accuracies of two realisations, 0.1 apart; BlendHunter's are 0.2 above SEP's."""
    rows = [
        (sigma, realisation, method, subset, n, accuracy + offset + realisation / 10, 0.05)
        for sigma, accuracy in by_noise.items()
        for realisation in (0, 1)
        for method, offset in (("BlendHunter", 0.2), ("SEP", 0.0))
        for subset, n in (("all", 200), ("close", 50))
    ]
    columns = ["noise_sigma", "realisation", "method", "subset", "n", "accuracy", "error"]
    return pd.DataFrame(rows, columns=columns).astype({"noise_sigma": float})


def detection():
    rows = [
        ("Blends detected (%)", "high", 87.0, 85.0, 89.0, 300),
        ("Blends detected (%)", "low", 7.0, 6.0, 8.0, 300),
        ("Blends detected (%)", "low, best filter", 22.0, 20.0, 24.0, 300),
        ("Blends detected (%)", "GAN", 44.0, 43.0, 45.0, 300),
        ("Single galaxies with more peaks (%)", "GAN", 1.0, 0.5, 1.5, 300),
        ("Median |flux error|, low over GAN", "GAN", 6.7, np.nan, np.nan, 250),
        ("Median |flux error, catalogue's|, low over GAN", "GAN", 1.6, np.nan, np.nan, 250),
    ]
    return pd.DataFrame(rows, columns=["Quantity", "Resolution", "Value", "Low", "High", "n"])


def tables():
    quantities = {"n": 600, "quantity": "mean_iou", "paper": "boucaud2020", "low": 0.4, "high": 0.8}
    overlap = pd.DataFrame(
        [
            {"item": f"Sect. 4.4, {name}", "reproduced": iou, **quantities}
            for name, iou in (("unet", 0.75), ("blend2mask2flux", 0.5))
        ]
    )
    scores = pd.DataFrame(
        [
            {"method": method, "galaxy": galaxy, "psnr_db": psnr + spread}
            for method, psnr in (("gan", 26.0), ("mse", 99.0), ("blend", 22.0))
            for galaxy in ("central", "companion")
            for spread in (-1, 1, 3)
        ]
    )
    return {
        "photometry": photometry(),
        "reproduction": overlap,
        "parametric": accuracies(**{"5": 0.1, "15": 0.3, "35": 0.5}),
        "realistic": accuracies(**{"15": 0.6}),
        "scores": scores,
        "detection": detection(),
    }


def everything(found=None):
    found = tables() if found is None else found
    return find_highlights(found, PUBLISHED, HEADINGS, NETWORKS, 14.5)


def test_scatter_is_of_central_galaxies_that_sep_finds():
    first, second, *_ = boucaud2020(tables(), PUBLISHED["boucaud2020"], NETWORKS)
    assert first.number == "sigma, blend2flux"
    assert (first.ours.value, first.ours.n) == (pytest.approx(0.1), 40_001)
    assert (first.ours.low, first.ours.high) == pytest.approx((0.09, 0.12))
    assert second.ours.value == pytest.approx(0.5)
    # SEP's isophotal magnitudes, as in the paper.
    assert first.baselines == second.baselines
    assert first.baselines[0].value == pytest.approx(0.9)
    published = [v.published for v in (first.ours, second.ours, *first.baselines)]
    assert published == [0.11, 0.2, [0.5, 0.7]]


def test_fluxes_in_kron_apertures_are_called_so_and_the_paper_has_no_number_of_them():
    first, *_ = boucaud2020(tables(), PUBLISHED["boucaud2020"], NETWORKS, "auto")
    (sep,) = first.baselines
    assert (sep.method, sep.published) == ("SEP AUTO", None)
    assert sep.value == pytest.approx(1.3)


def test_overlaps_have_the_interval_of_their_comparison():
    *_, unet, joint = boucaud2020(tables(), PUBLISHED["boucaud2020"], NETWORKS)
    assert (unet.ours.value, unet.ours.published) == (0.75, 0.82)
    assert (joint.ours.value, joint.ours.published) == (0.5, 0.7)
    assert (unet.ours.n, unet.ours.low, unet.ours.high) == (600, 0.4, 0.8)


def test_accuracies_are_means_over_realisations_at_the_nearest_noise():
    close, realistic = farrens2022(tables(), PUBLISHED["farrens2022"], 14.5)
    assert close.ours.value == pytest.approx(55)
    assert (close.ours.low, close.ours.high) == pytest.approx((50, 60))
    assert close.ours.n == 50 and close.ours.published is None
    assert close.baselines[0].value == pytest.approx(35)
    assert close.baselines[0].published is None
    assert realistic.ours.value == pytest.approx(85) and realistic.ours.n == 200
    assert realistic.baselines[0].published == 91


def test_psnr_is_that_of_each_galaxy():
    central, companion = reiman2019(tables(), PUBLISHED["reiman2019"])
    for highlight in (central, companion):
        assert highlight.ours[:4] == ("GAN", 34.61, pytest.approx(27), 3)
        assert highlight.baselines[0][:4] == ("blend", None, pytest.approx(23), 3)


def test_detections_are_compared_with_the_papers_own_filters():
    found, gain = hemmati2022(tables(), PUBLISHED["hemmati2022"])
    assert found.ours[1:] == (50, 44.0, 300, 43.0, 45.0)
    assert [value.value for value in found.baselines] == [7, 87]
    assert [value.published for value in found.baselines] == [10, 80]
    assert gain.ours[1:4] == (10, 6.7, 250) and gain.baselines == ()


def test_the_table_has_a_row_for_each_method():
    table = highlights_table(everything())
    assert (table["role"] == "ours").sum() == 10
    assert table["paper"].value_counts().to_dict() == {
        "boucaud2020": 6,
        "farrens2022": 4,
        "reiman2019": 4,
        "hemmati2022": 4,
    }
    row = table[table["number"] == "blends detected"].set_index("method").loc["low"]
    assert (row["value"], row["low"], row["high"], row["published"]) == (7, 6, 8, "10")
    assert table.loc[1, "published"] == "0.5-0.7"
    assert table["value"].notna().all()


def test_the_text_shows_each_number_on_one_line_that_fits_the_terminal():
    text = highlights_text(everything(), HEADINGS, "toy", {"farrens2022": "VGG-16 weights: random"})
    lines = [re_spaced(line) for line in text.splitlines()]
    assert lines[0] == ["Results at toy scale"]
    assert ["sigma, blend2flux (mag)", "40001", "0.100 [0.0900, 0.120]", "SEP 0.900"] in [
        line[:4] for line in lines
    ]
    assert [
        "accuracy, realistic stamps (%)",
        "200",
        "85.0 [80.0, 90.0]",
        "SEP 65.0",
        "- (91)",
    ] in lines
    assert ["PSNR, central (dB)", "3", "27.0", "blend 23.0", "34.61"] in lines
    detected = ["300", "44.0 [43.0, 45.0]", "low 7.00, high 87.0", "50 (10, 80)"]
    assert ["blends detected (%)", *detected] in lines
    assert ["mean IoU, U-Net", "600", "0.750 [0.400, 0.800]", "-", "0.82"] in lines
    assert max(map(len, text.splitlines())) <= 100
    for heading in HEADINGS.values():
        assert [heading] in lines
    assert ["VGG-16 weights: random"] in lines


def re_spaced(line):
    """Cells of a line, which two spaces or more separate."""
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_papers_that_are_not_made_are_left_out():
    found = find_highlights(tables(), PUBLISHED, ["reiman2019"], {}, 14.5)
    assert found.keys() == {"reiman2019"}
    assert set(highlights_table(found)["paper"]) == {"reiman2019"}
    text = highlights_text(found, HEADINGS, "toy", {})
    assert "blend: the blend itself" in text and "accuracy" not in text and "sigma" not in text


@pytest.mark.parametrize("found", [{}, {name: table.iloc[:0] for name, table in tables().items()}])
def test_numbers_that_were_not_measured_are_empty(found):
    highlights = everything(found)
    assert highlights_table(highlights)["value"].isna().all()
    lines = [
        re_spaced(line) for line in highlights_text(highlights, HEADINGS, "toy", {}).splitlines()
    ]
    assert ["sigma, blend2flux (mag)", "-", "-", "SEP -", "0.11 (0.5-0.7)"] in lines
    assert ["accuracy, close blends (%)", "-", "-", "SEP -", "-"] in lines


def test_a_network_that_is_not_configured_has_no_number():
    networks = {"blend2flux": "large"}
    _, joint, *_ = boucaud2020(tables(), PUBLISHED["boucaud2020"], networks)
    assert np.isnan(joint.ours.value) and joint.baselines[0].value == pytest.approx(0.9)
