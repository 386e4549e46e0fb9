"""Names of files that no rule makes."""

import pytest
from deblend.run.targets import candidates, unknown_rule, unknown_target

OUTPUTS = (
    "results/figures/fig5.pdf",
    "results/figures/fig12.pdf",
    "results/figures/hemmati2022/fig6.pdf",
    "results/boucaud2020/{network,blend2flux|unet}/{dataset}/fig5.pdf",
    "results/farrens2022/{sample}/fig5.pdf",
)
CONSTRAINTS = {"dataset": "candels|simulated", "sample": "(?!sigma)(?:cosmos|realistic)"}


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("results/figures/fig13.pdf", "results/figures/fig12.pdf"),
        ("results/figures/hemati2022/fig6.pdf", "results/figures/hemmati2022/fig6.pdf"),
        (
            "results/boucaud2020/blend2flix/simulated/fig5.pdf",
            "results/boucaud2020/blend2flux/simulated/fig5.pdf",
        ),
        (
            "results/boucaud2020/unet/candles/fig5.pdf",
            "results/boucaud2020/unet/candels/fig5.pdf",
        ),
        ("results/farrens2022/cosmo/fig5.pdf", "results/farrens2022/cosmos/fig5.pdf"),
    ],
)
def test_the_nearest_name_is_proposed(target, meant):
    message = str(unknown_target(target, OUTPUTS, CONSTRAINTS))
    assert message.startswith(f"no rule makes {target}; did you mean ")
    assert meant in message


def test_a_path_that_is_like_none():
    assert candidates("results/a", OUTPUTS) == []
    assert "docs/results.md lists" in str(unknown_target("results/a", OUTPUTS))


@pytest.mark.parametrize(
    ("figure", "meant"),
    [
        ("fig5x", "results/figures/fig5.pdf (make figure F=boucaud2020/fig5)"),
        ("boucaud/fig12", "results/figures/fig12.pdf (make figure F=boucaud2020/fig12)"),
        (
            "hemmati2022/fig66",
            "results/figures/hemmati2022/fig6.pdf (make figure F=hemmati2022/fig6)",
        ),
    ],
)
def test_figures_are_named_as_make_names_them(figure, meant):
    target = f"results/figures/{figure}.pdf"
    message = str(unknown_target(target, OUTPUTS, CONSTRAINTS, "results/figures"))
    assert message.startswith(f"no rule makes {target}; did you mean {meant}")


def test_the_nearest_rules_are_proposed():
    message = str(unknown_rule("boucaud2020_figurs", ["boucaud2020_figures", "all", "benchmark"]))
    assert message.startswith(
        "there is no rule boucaud2020_figurs; did you mean boucaud2020_figures? "
    )
    assert "--list-target-rules" in message
    assert "did you mean" not in str(unknown_rule("xyz", ["all"]))
