import numpy as np
import pandas as pd
from deblend.benchmark.figures import draw_benchmark


def tables(methods=("one", "two"), sets=("simulated", "faint")):
    rows, bins = [], []
    for blends in sets:
        for k, method in enumerate(methods):
            value = 0.1 * (k + 1) * (2 if blends == "faint" else 1)
            rows.append(
                {
                    **{"set": blends, "method": method, "nmad_mag": value},
                    **{"nmad_all_mag": value, "nmad_all_mag_low": 0.9 * value},
                    **{"nmad_all_mag_high": 1.1 * value},
                    **{"outliers_percent": 5.0, "outliers_all_percent": 8.0},
                    "seconds_per_blend": 0.01,
                }
            )
            bins += [
                {**rows[-1], "quantity": q, "low": low, "high": low + 1.0}
                for q in ("delta_mag", "separation_over_size", "snr")
                for low in (0.0, 1.0)
            ]
    detector = {"set": "simulated", "method": "detector", "nmad_mag": np.nan}
    return pd.DataFrame([*rows, detector]), pd.DataFrame(bins)


def test_all_sets_and_methods_with_fluxes_are_drawn(tmp_path, drawn):
    draw_benchmark(*tables(), [tmp_path / "f.pdf", tmp_path / "f.png"], "toy scale")
    figure = drawn[0]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["one", "two"]
    wide = figure.axes[-1]
    assert [t.get_text() for t in wide.get_xticklabels()] == ["simulated", "faint"]
    values = [line.get_ydata() for line in wide.lines if line.get_label() == "two"]
    np.testing.assert_allclose(values[0], [0.2, 0.4])
    # Outliers of all galaxies are filled, those of the measured ones open.
    outliers = [line.get_xdata()[0] for line in figure.axes[1].lines]
    assert outliers == [8.0, 5.0, 8.0, 5.0]
    assert (tmp_path / "f.pdf").exists()
    assert (tmp_path / "f.png").exists()


def test_without_bins_the_panels_say_so(tmp_path, drawn):
    table, bins = tables()
    draw_benchmark(table, bins.assign(nmad_all_mag=np.nan), [tmp_path / "f.png"], "")
    texts = [text.get_text() for axis in drawn[0].axes for text in axis.texts]
    assert texts.count("too few galaxies") == 3
