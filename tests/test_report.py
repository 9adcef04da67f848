"""The page is one whole, well-formed file that loads nothing and lets no text become markup."""

import base64
import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_ssl.errors import UserError
from keras_ssl.figures import report

pytestmark = pytest.mark.pages
VOID = {"meta", "img", "br", "link", "hr"}


class Page(HTMLParser):
    """Fails on a tag that is closed out of turn; collects tags, images and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.images, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def a_figure(points, label=""):
    figure = Figure(figsize=(4, 3))
    figure.subplots().plot(*np.random.default_rng(0).random((2, points)), "o")
    figure.set_label(label)
    return figure


def a_page(path, **changes):
    given = {
        "title": "Digits",
        "lead": "Pretraining helped.",
        "facts": {"data set": "digits", "seed": 0, "parity": 3.14159e-7},
        "sections": [
            report.Section("Curves", "First paragraph.\n\nSecond, with `code`.", a_figure(5, 'a "figure" of <five>')),
            report.Section("Numbers", table=report.Table(["file", "parity"], [["model.onnx", 4.4321987e-7]])),
        ],
    }
    return report.write(path, **(given | changes))


def test_page_holds_everything_in_balanced_tags(tmp_path):
    path = a_page(tmp_path / "deep" / "report.html")
    assert path == tmp_path / "deep" / "report.html"
    page = Page(path.read_text(encoding="utf-8"))
    text = " ".join(page.text)
    for part in ("Digits", "Pretraining helped.", "data set", "3.142e-07", "Curves", "Second, with", "4.432e-07"):
        assert part in text
    assert page.tags.count("section") == 2
    assert page.tags.count("p") == 3  # the lead and two paragraphs
    assert page.tags.count("code") == 1
    assert page.images[0]["alt"] == 'a "figure" of <five>'


def test_every_text_is_escaped(tmp_path):
    evil = '<script>alert("x")</script> & $title'
    sections = [report.Section(evil, evil, a_figure(2, evil), report.Table([evil, evil], [[evil, evil]]))]
    path = a_page(tmp_path / "r.html", title=evil, lead=evil, facts={evil: evil}, sections=sections)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert "<script" not in text
    # heading and title, lead, fact and its label, contents, section's heading, text, and four cells
    assert " ".join(page.text).count(evil) == 12
    assert page.images[0]["alt"] == evil


def test_page_asks_for_nothing_from_outside(tmp_path):
    text = a_page(tmp_path / "r.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|//[a-z]|@import|url\(|<link|<script", re.sub(r'base64,[^"]*', "", text))
    for source in re.findall(r'src="([^"]*)"', text):
        assert source.startswith("data:image/")


def test_pictures_take_the_smaller_format_and_their_size(tmp_path):
    sections = [report.Section("few", figure=a_figure(5)), report.Section("many", figure=a_figure(5000))]
    few, many = Page(a_page(tmp_path / "r.html", sections=sections).read_text(encoding="utf-8")).images
    assert few["src"].startswith("data:image/svg+xml;base64,")
    assert b"<svg" in base64.b64decode(few["src"].split(",")[1])
    png = base64.b64decode(many["src"].removeprefix("data:image/png;base64,"))
    assert [int.from_bytes(png[i : i + 4], "big") for i in (16, 20)] == [800, 600]  # twice what the page gives it
    assert (many["width"], many["height"], many["alt"]) == ("400", "300", "many")


def test_the_same_report_is_the_same_file(tmp_path):
    assert a_page(tmp_path / "a.html").read_bytes() == a_page(tmp_path / "b.html").read_bytes()


def test_numbers_stand_to_the_right(tmp_path):
    table = report.Table(["method", "accuracy", "note"], [["simclr", "0.92 ± 0.01", "best"], ["raw", 0.861, "-"]])
    text = a_page(tmp_path / "r.html", sections=[report.Section("t", table=table)]).read_text(encoding="utf-8")
    assert '<th scope="row">simclr</th><td class="n">0.92 ± 0.01</td><td>best</td>' in text
    assert '<th scope="col" class="n">accuracy</th><th scope="col">note</th>' in text


def test_rows_fit_their_header():
    with pytest.raises(UserError, match="2 cells in each row"):
        report.Table(["a", "b"], [[1, 2], [3]])


def test_a_failed_write_leaves_the_old_page_and_no_scraps(tmp_path, monkeypatch):
    path = a_page(tmp_path / "r.html")
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="No space left"):
        a_page(path, title="another")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["r.html"]


def test_a_page_is_replaced_and_keeps_usual_permissions(tmp_path):
    path = a_page(tmp_path / "r.html")
    a_page(path, title="another")
    assert "another" in path.read_text(encoding="utf-8")
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("where", ["file/report.html", "folder"])
def test_unwritable_path(tmp_path, where):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="can be written"):
        a_page(tmp_path / where)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_picture_that_cannot_be_drawn_loses_neither_the_page_nor_the_others(tmp_path):
    def broken():
        raise ValueError("<no> such channel")

    sections = [report.Section("broken", "What it shows.", broken), report.Section("whole", figure=lambda: a_figure(5))]
    page = Page(a_page(tmp_path / "r.html", sections=sections).read_text(encoding="utf-8"))
    assert [image["alt"] for image in page.images] == ["whole"]
    assert "This picture could not be drawn (ValueError): <no> such channel" in page.text
    assert "What it shows." in page.text


def test_a_picture_that_fails_while_it_is_saved_is_told_too(tmp_path):
    figure = a_figure(5)
    figure.suptitle(r"$\no{such}$ formula", parse_math=True)
    page = Page(a_page(tmp_path / "r.html", sections=[report.Section("broken", figure=figure)]).read_text("utf-8"))
    assert page.images == []
    assert any(text.startswith("This picture could not be drawn (ValueError)") for text in page.text)
