"""Names of files that no rule makes."""

import pytest
from deblend.run.targets import candidates, unknown_target

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
