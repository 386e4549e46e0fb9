"""Tables from a server that answers as VizieR does."""

import io
import re
import warnings

import numpy as np
import pytest
from astropy.io.votable.exceptions import VOWarning
from astropy.io.votable.tree import Resource, VOTableFile
from astropy.io.votable.tree import TableElement as VOTableTable
from astropy.table import Table
from deblend.data.mosaics import cut_field
from deblend.data.vizier import fetch_table
from deblend.errors import DeblendError

from tests.server import Handler, running
from tests.unit.data.test_mosaics import config


class Answer(Handler):
    """Answers with `failures` first, then with `tables` as a VOTable of the rows asked for."""

    def do_POST(self):
        self.server.asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.server.failures:
            self.send_error(self.server.failures.pop(0))
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
