"""Labels of results in the report."""

from deblend.report.labels import FIGURE_SPACE, figure_label


def test_figures_are_in_the_papers_order_and_supplements_behind_their_figures():
    labels = [
        figure_label(n, what)
        for n, what in [(12, "c"), (2, "b"), (1, "a"), ("2_more", "a"), ("roc", "ROC")]
    ]
    # In the order of text in browsers, spaces are before digits.
    ordered = sorted(labels, key=lambda label: label.replace(FIGURE_SPACE, " "))
    assert [label.replace(FIGURE_SPACE, "") for label in ordered] == [
        "Figure 1: a",
        "Figure 2: b",
        "Figure 2: supplement, a",
        "Figure 12: c",
        "Supplement: ROC",
    ]
    assert {len(label.partition(":")[0]) for label in labels} == {9, 10}
