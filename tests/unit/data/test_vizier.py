"""Tables from a server that answers as VizieR does."""

import io
import re
import time
import warnings

import numpy as np
import pytest
from astropy.io.votable.exceptions import VOWarning
from astropy.io.votable.tree import Resource, VOTableFile
from astropy.io.votable.tree import TableElement as VOTableTable
from astropy.table import Table
from deblend.data.mosaics import cut_field
from deblend.data.vizier import ask_vizier, fetch_table
from deblend.errors import DeblendError

from tests.server import Handler, running, send, send_endless, send_slowly
from tests.unit.data.test_mosaics import config


class Answer(Handler):
    """Answers with `failures` first, then with `tables` as a VOTable of the rows asked for.

    A failure is a status, or a function that answers.
    """

    def do_POST(self):
        self.server.asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.server.failures:
            failure = self.server.failures.pop(0)
            if callable(failure):
                failure(self)
            else:
                self.send_error(failure)
            return
        tree = VOTableFile()
        resource = Resource(name="J/X/1")
        tree.resources.append(resource)
        limit = re.search(r"-out\.max=(\d+)", self.server.asked[-1])
        for name, table in self.server.tables.items():
            rows = table[: int(limit[1])] if limit else table
            with warnings.catch_warnings():
                # Names such as S/G get other identifiers, which VizieR has too.
                warnings.simplefilter("ignore", VOWarning)
                one = VOTableTable.from_table(tree, rows)
            one.name = name
            resource.tables.append(one)
        content = io.BytesIO()
        tree.to_xml(content)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.change(content.getvalue()))


@pytest.fixture
def vizier(monkeypatch, survey, tmp_path):
    from astroquery.vizier import VizierClass

    tables = {"J/X/1/t": survey[1]}
    with running(Answer, tables=tables, failures=[], asked=[], change=bytes) as server:
        url = f"{server.url}/viz-bin/votable"
        monkeypatch.setattr(VizierClass, "_server_to_url", lambda *_, **__: url)
        cache = tmp_path / "cache"
        monkeypatch.setattr(VizierClass, "cache_location", cache)
        monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", (0.0,))
        yield server
    assert not list(cache.glob("*")), "answers are kept as pickles"


def test_a_table_from_vizier_can_be_the_catalogue(vizier, survey, stamps):
    folder, _ = survey
    vizier.failures = [503]
    fetch_table("J/X/1/t", folder / "vizier" / "t.ecsv")
    assert len(vizier.asked) == 2
    assert "-source=J%2FX%2F1%2Ft" in vizier.asked[1] or "-source=J/X/1/t" in vizier.asked[1]
    assert "-out.max=unlimited" in vizier.asked[1]
    cut = cut_field(config(folder, catalog=str(folder / "vizier" / "t.ecsv")))
    np.testing.assert_array_equal(cut.images[:9, 0], stamps.images[:, 0])
    table = Table.read(folder / "vizier" / "t.ecsv")
    assert table["Re"].unit == "arcsec"
    assert table.meta == {"source": "VizieR J/X/1/t"}


def test_vizier_names_have_to_be_of_one_table(vizier, tmp_path):
    vizier.tables["J/X/1/u"] = vizier.tables["J/X/1/t"]
    with pytest.raises(DeblendError, match=r"vizier:J/X/1 stands for 2 tables \(J/X/1/t, J/X/1/u"):
        fetch_table("J/X/1", tmp_path / "t.ecsv")
    vizier.tables.clear()
    with pytest.raises(DeblendError, match="stands for 0 tables"):
        fetch_table("J/X/1", tmp_path / "t.ecsv")
    assert not (tmp_path / "t.ecsv").exists()


@pytest.mark.parametrize(("status", "times"), [(500, 2), (404, 1)])
def test_an_error_of_vizier_is_reported(vizier, tmp_path, status, times):
    vizier.failures = [status] * 9
    with pytest.raises(DeblendError, match=f"cannot fetch J/X/1 from VizieR .*{status}"):
        fetch_table("J/X/1", tmp_path / "t.ecsv")
    assert len(vizier.asked) == times


@pytest.mark.parametrize("status", [201, 203, 204, 206, 300])
def test_only_200_is_an_answer_of_vizier(vizier, tmp_path, status):
    vizier.failures = [lambda handler: send(handler, status, b"<?xml version='1.0'?><VOTABLE/>")]
    with pytest.raises(DeblendError, match=f"cannot fetch J/X/1 from VizieR .*{status}"):
        fetch_table("J/X/1", tmp_path / "t.ecsv")
    assert len(vizier.asked) == 1


def test_an_answer_of_vizier_has_a_largest_size_and_a_longest_time(vizier):
    vizier.failures = [send_endless]
    with pytest.raises(DeblendError, match="larger than the limit of 1000 bytes.*give its path"):
        ask_vizier("J/X/1/t", -1, max_bytes=1000)
    vizier.failures = [send_slowly]
    begun = time.monotonic()
    with pytest.raises(DeblendError, match=r"is not complete after 0\.3 s.*give its path"):
        ask_vizier("J/X/1/t", -1, longest_s=0.3)
    assert time.monotonic() - begun < 5
    assert len(vizier.asked) == 2


def test_vizier_does_not_redirect_to_http(vizier):
    vizier.failures = [
        lambda handler: send_endless(handler, 307, Location="http://example.org/viz-bin/votable")
    ]
    with pytest.raises(DeblendError, match=r"http://example\.org/viz-bin/votable is not https"):
        ask_vizier("J/X/1/t", -1)


def test_vizier_is_asked_again_when_it_says(vizier):
    vizier.failures = [lambda handler: send(handler, 503, Retry_After="1")]
    begun = time.monotonic()
    assert len(ask_vizier("J/X/1/t", -1)) == 12
    assert time.monotonic() - begun >= 1


def test_an_answer_of_vizier_that_refers_to_a_file_is_refused(vizier, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(8))
    stream = f'<BINARY><STREAM href="{secret.as_uri()}"/></BINARY>'.encode()
    vizier.change = lambda answer: re.sub(rb"<TABLEDATA>.*</TABLEDATA>", stream, answer, flags=re.S)
    with pytest.raises(DeblendError, match="its data are elsewhere, at file://"):
        fetch_table("J/X/1/t", tmp_path / "t.ecsv")
    vizier.change = lambda answer: b"<html><p>log in</html>"
    with pytest.raises(DeblendError, match="the answer is not a VOTable"):
        fetch_table("J/X/1/t", tmp_path / "t.ecsv")
    assert not (tmp_path / "t.ecsv").exists()
