"""Which files archives have, asked from servers on this machine."""

import hashlib
import json

import pandas as pd
import pooch
import pytest
from astropy.table import Table
from deblend.data.check_archives import as_text, ask_all, check_answers, wanted
from deblend.errors import DeblendError

from tests.server import Handler, running, serving
from tests.unit.data.test_vizier import Answer

KEY = "0123-the-key"


class Replies(Handler):
    """Answers by path: status, headers and body."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        status, headers, body = self.server.replies.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def replies():
    with running(Replies, asked=[], replies={}) as server:
        yield server


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)


def asked(entries, **options):
    """The answers for some entries, by name."""
    return ask_all(wanted(entries, {}, [], {}), **options).set_index("archive")


def at(url, **facts):
    return {"url": url, "filename": "x", "max_bytes": 10**9, **facts}


def test_size_and_checksum_are_told_by_one_byte(tmp_path):
    (tmp_path / "data.tar.gz").write_bytes(b"x" * 5000)
    digest = "sha256:" + hashlib.sha256(b"x" * 5000).hexdigest()
    with serving(tmp_path) as server:
        url = f"{server.url}/data.tar.gz"
        table = asked(
            {
                "good": at(url, n_bytes=5000, checksum=digest, licence="CC BY 4.0"),
                "near": at(url, about_bytes=4500, checksum="unknown"),
                "far": at(url, about_bytes=4_000_000),
                "other": at(url, n_bytes=4999),
                "large": at(url, max_bytes=1000),
                "gone": at(f"{server.url}/gone.fits"),
                "guess": at(f"{server.url}/guess.fits", address="assembled"),
            }
        )
        assert {wanted_range for _, wanted_range, _ in server.asked} == {"bytes=0-0"}
    assert table["status"].to_dict() == {
        "good": "there",
        "near": "there",
        "far": "another size",
        "other": "another size",
        "large": "too large",
        "gone": "not there",
        "guess": "not there",
    }
    assert table.loc["good", "file":"checksum"].tolist() == [
        *("data.tar.gz", url, "there", "5000", "5000", "sha256")
    ]
    assert table.loc["near", ["expected_bytes", "checksum"]].tolist() == ["about 4500", "unknown"]
    assert table["licence"].tolist()[:2] == ["CC BY 4.0", "unknown"]
    assert "raise max_bytes, 1000" in table.loc["large", "remark"]
    assert "look the file up at the archive" in table.loc["guess", "remark"]


def test_a_server_that_sends_everything_is_left(replies):
    """It does not know Range: the answer has the size, and the content is not read."""
    size = 50_000_000
    replies.replies["/whole"] = (200, {"Content-Length": size}, b"x" * size)
    table = asked({"whole": at(f"{replies.url}/whole", n_bytes=size)})
    assert table.loc["whole", ["status", "found_bytes"]].tolist() == ["there", str(size)]


def test_other_answers_than_the_file_are_named(replies):
    page, named = {"Content-Type": "text/html"}, {"Content-Disposition": "attachment; filename=b"}
    local = {"Location": f"{replies.url}/a.fits"}
    outside = {"Location": "http://example.org/a.fits?token=secret"}
    replies.replies |= {
        "/page.fits": (200, page, b"<html>sign in</html>"),
        "/named.fits": (200, named, b"b"),
        "/a.fits": (200, {}, b"a"),
        "/moved/a.fits": (302, local, b""),
        "/http/a.fits": (302, outside, b""),
        "/refused.fits": (403, {}, b""),
    }
    url = replies.url
    names = ("page.fits", "named.fits", "moved/a.fits", "http/a.fits", "refused.fits")
    table = asked(
        {name: at(f"{url}/{name}?token=secret") for name in names[:2]}
        | {name: at(f"{url}/{name}") for name in names[2:]}
        | {"lost": at("http://127.0.0.1:1/a.fits?token=secret")}
    )
    # With a query, the path is another one for the server here.
    assert table["status"].to_dict() == {
        "page.fits": "not there",
        "named.fits": "not there",
        "moved/a.fits": "there",
        "http/a.fits": "refused",
        "refused.fits": "HTTP 403",
        "lost": "not reached",
    }
    assert "is not https" in table.loc["http/a.fits", "remark"]
    assert "secret" not in table.to_csv() + as_text(table.reset_index())
    with pytest.raises(DeblendError) as caught:
        check_answers(table.reset_index())
    assert "secret" not in str(caught.value)
    table = asked({name: at(f"{url}/{name}") for name in names[:2]})
    assert table["status"].tolist() == ["a web page", "another file"]
    assert table.loc["named.fits", "remark"] == "the server calls it b"


def test_the_query_of_an_address_is_not_part_of_the_name(replies):
    """As of Zenodo, whose addresses end with it."""
    named = {"Content-Disposition": 'attachment; filename="a b.zip"'}
    replies.replies["/a%20b.zip?download=1"] = (200, named, b"zip")
    url = f"{replies.url}/a%20b.zip?download=1"
    table = asked({"entry": at(url)})
    assert table.loc["entry", ["file", "status"]].tolist() == ["a b.zip", "there"]
    (configured,) = wanted({}, {}, [{"url": url, "max_bytes": 5}], {})
    assert configured.file == "a b.zip"


def test_kaggle_is_asked_with_the_token_which_is_not_shown(replies, monkeypatch):
    entry = {"kaggle": "galaxies", "filename": "images.zip", "max_bytes": 10}
    path = "/competitions/data/download/galaxies/images.zip"
    table = asked({"images": entry}, kaggle_api=replies.url)
    assert table.loc["images", "status"] == "not asked"
    assert "no Kaggle token" in table.loc["images", "remark"]
    assert replies.asked == []
    check_answers(table.reset_index())
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", KEY)
    replies.replies[path] = (403, {}, b"")
    table = asked({"images": entry}, kaggle_api=replies.url)
    assert table.loc["images", "status"] == "HTTP 403"
    assert "accept the competition's rules" in table.loc["images", "remark"]
    assert replies.asked[0][1].startswith("Basic ")
    replies.replies[path] = (200, {}, b"zip")
    table = asked({"images": entry}, kaggle_api=replies.url)
    assert table.loc["images", ["status", "found_bytes"]].tolist() == ["there", "3"]
    token = replies.asked[0][1].removeprefix("Basic ")
    assert not [secret for secret in (KEY, token) if secret in as_text(table.reset_index())]


def test_a_record_has_the_address_and_a_checksum(tmp_path, monkeypatch):
    content, record = b"stamps" * 100, "2604740"
    (tmp_path / "data.tar.gz").write_bytes(content)
    md5 = "md5:" + hashlib.md5(content).hexdigest()
    with serving(tmp_path) as server:
        files = [{"key": "data.tar.gz", "checksum": md5}]
        files[0]["links"] = {"self": f"{server.url}/data.tar.gz"}
        (tmp_path / record).write_text(json.dumps({"id": 1, "files": files}))
        monkeypatch.setattr(pooch.downloaders.ZenodoRepository, "base_api_url", server.url)
        monkeypatch.setattr(
            pooch.downloaders, "doi_to_url", lambda doi, **_: f"https://zenodo.org/records/{record}"
        )
        entry = {"doi": f"10.5281/zenodo.{record}", "filename": "data.tar.gz", "max_bytes": 10**6}
        table = asked(
            {
                "plain": entry,
                "pinned": {**entry, "checksum": md5},
                "changed": {**entry, "checksum": "md5:" + "0" * 32},
                "absent": {**entry, "filename": "other.tar.gz"},
            }
        )
    assert table["status"].tolist() == ["there", "there", "another checksum", "not in the record"]
    assert table["checksum"].tolist()[:2] == ["md5 (of the record)", "md5"]
    assert table.loc["plain", "found_bytes"] == "600"
    assert "it has data.tar.gz" in table.loc["absent", "remark"]
    assert md5 in table.loc["changed", "remark"]


def test_vizier_is_asked_for_one_row_and_its_columns(monkeypatch):
    from astroquery.vizier import VizierClass

    rows = Table({"Seq": [1, 2, 3], "S/G": [0.1, 0.2, 0.3]})
    archives = {"guo": {"vizier": "J/X/1", "n_rows": 3}}
    with running(Answer, tables={"J/X/1/t": rows}, failures=[], asked=[], change=bytes) as server:
        url = f"{server.url}/viz-bin/votable"
        monkeypatch.setattr(VizierClass, "_server_to_url", lambda *_, **__: url)
        for columns, status in ((["Seq", "S/G"], "there"), (["S_G"], "other columns")):
            (row,) = ask_all(wanted(archives, {}, [], {"J/X/1": columns})).to_dict("records")
            assert (row["archive"], row["status"]) == ("guo", status)
        assert all("-out.max=1" in question for question in server.asked)
        assert "lacks the columns S_G; it has Seq, S/G" in row["remark"]
        server.tables = {}
        (row,) = ask_all(wanted({}, {}, [], {"J/X/1": []})).to_dict("records")
    assert (row["archive"], row["status"]) == ("(configuration)", "not there")


def test_addresses_of_the_configuration_are_asked_once():
    entries = {"a": at("https://a.org/x.fits")}
    downloads = [{"url": f"https://a.org/{name}.fits", "max_bytes": 5} for name in "xyy"]
    files = wanted(entries, {"w": at("https://a.org/w.h5")}, downloads, {})
    assert [(f.archive, f.file) for f in files] == [
        ("a", "x.fits"),
        ("w", "w.h5"),
        ("(configuration)", "y.fits"),
    ]


def answers(*statuses):
    rows = [
        {"archive": f"a{i}", "file": "f", "address": "https://x/f", "status": status}
        for i, status in enumerate(statuses)
    ]
    columns = ("expected_bytes", "found_bytes", "checksum", "licence")
    return pd.DataFrame(rows).assign(**dict.fromkeys(columns, "unknown"), remark="")


def test_what_is_missing_is_an_error_in_one_line():
    check_answers(answers("there", "not asked"))
    with pytest.raises(DeblendError, match=r"^1 of 2 files .* a1 f \(not there\)\. Correct"):
        check_answers(answers("there", "not there"))
    with pytest.raises(DeblendError, match=r"a4 f \(HTTP 500\) and 2 more\. "):
        check_answers(answers(*["HTTP 500"] * 7))
    with pytest.raises(DeblendError, match="none of 2 addresses can be reached: check the conn"):
        check_answers(answers("not reached", "not reached", "not asked"))


def test_the_text_has_a_line_a_file_and_its_address():
    lines = as_text(answers("there", "not there")).splitlines()
    assert lines[0].split()[:2] == ["status", "archive"]
    assert lines[1].split()[:2] == ["there", "a0"]
    assert lines[2].strip() == "https://x/f"
    assert lines[-1] == "2 files: 1 there, 1 not there"
