"""All pages of the report."""

import json

import pandas as pd
from deblend.report.site import write_pages

from tests.unit.report.test_comparisons import claims
from tests.unit.report.test_front_page import record

TITLES = {"paper": "Authors 2020"}


def test_each_table_has_a_page_and_each_figure_a_caption(tmp_path):
    source, target = tmp_path / "tables/paper", tmp_path / "report/paper"
    source.mkdir(parents=True)
    target.mkdir(parents=True)
    claims(tmp_path).to_csv(source / "claims.csv", index=False)
    finding = {"finding": "size", "paper": "paper", "where": "Sect. 2", "paper_says": "5"}
    finding |= {"found": "6", "numbers": "6 rows", "confirmed": "True", "source": "theirs"}
    pd.DataFrame([finding | {"basis": "this run"}]).to_csv(source / "findings.csv", index=False)
    number = {"paper": "paper", "item": "sigma", "quantity": "mag", "published": 0.12}
    number |= {"published_decimals": 2, "reproduced": 0.13, "low": 0.12, "high": 0.14}
    number |= {"difference": 0.01, "ratio": 1.1, "n": 9, "better": "lower"}
    number |= {"depends_on_data": True, "compared": "agrees", "status": "comparable"}
    number |= {"configuration": "toy scale", "source": "this run"}
    pd.DataFrame([number]).to_csv(source / "reproduction.csv", index=False)
    highlight = {"paper": "paper", "number": "sigma", "unit": "mag", "role": "ours"}
    highlight |= {"method": "net", "n": 9, "value": 0.13, "low": 0.12, "high": 0.14}
    pd.DataFrame([highlight | {"published": "0.12"}]).to_csv(source / "highlights.csv", index=False)
    pd.DataFrame({"paper": ["paper"], "sigma": [0.123456789]}).to_csv(
        source / "widths.csv", index=False
    )
    (source / "circumstances.json").write_text(json.dumps(record()))
    inputs = {
        name: str(source / f"{name}.csv")
        for name in ("claims", "findings", "reproduction", "highlights")
    }
    inputs["circumstances"] = str(source / "circumstances.json")
    inputs["tables"] = inputs["captioned"] = [str(source / "widths.csv")]
    outputs = {
        name: str(target / f"{name}.html")
        for name in ("first", "first_part", "claims", "findings", "reproduction")
    }
    outputs["pages"] = [str(target / "widths.html")]
    outputs["captions"] = [str(target / "caption.html")]
    write_pages(inputs, outputs, TITLES)
    text = {name: (target / f"{name}.html").read_text() for name in ("claims", "first", "widths")}
    # The bars have a heading of their own, below the claims.
    assert text["claims"].index("Unbiased: below") < text["claims"].index("Bars: what a run")
    assert "Authors 2020" in text["first"]
    assert "Authors 2020: widths" in text["widths"]
    assert "0.123456789" not in text["widths"].split("download")[0]
    assert "0.123" in text["widths"]
    for path in [*outputs["captions"], outputs["findings"], outputs["reproduction"]]:
        assert (tmp_path / path).is_file()
