"""Which networks have learnt nothing, from their descriptions."""

import json

from deblend.report.networks import not_learnt, read_networks


def test_networks_are_named_after_their_folders(tmp_path):
    paths = []
    for name, problem in (("unet", "its masks are empty"), ("blend2flux", None)):
        path = tmp_path / name / "network.json"
        path.parent.mkdir()
        path.write_text(json.dumps({"problem": problem, "n_epochs": 3}))
        paths.append(str(path))
    found = read_networks(paths)
    assert [record["name"] for record in found] == ["unet", "blend2flux"]
    assert found[0] == {"problem": "its masks are empty", "n_epochs": 3, "name": "unet"}
    assert not_learnt(found) == "unet has not learnt: its masks are empty"


def test_nothing_is_said_of_networks_that_have_learnt():
    assert not_learnt([]) == ""
    # Descriptions that were written by an older version have no such key.
    assert not_learnt([{"name": "a", "problem": None}, {"name": "b"}]) == ""


def test_networks_with_the_same_problem_are_named_together():
    alike, black = "its images are all alike", "its images are black"
    problems = {"a": alike, "b": black, "c": None, "d": alike}
    records = [{"name": name, "problem": problem} for name, problem in problems.items()]
    assert not_learnt(records) == f"a, d have not learnt: {alike}; b has not learnt: {black}"
    assert not_learnt([{"problem": black}]) == f"a network has not learnt: {black}"
