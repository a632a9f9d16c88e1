from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from matching.evaluation import charts, printing, report
from matching.evaluation.ablation import ablate
from matching.evaluation.findings import Findings, findings
from matching.evaluation.losses import losses
from matching.evaluation.methods import measure
from matching.evaluation.reasons import judge
from matching.evaluation.reliability import CurvePoint
from matching.evaluation.remembering import RememberingEncoder
from matching.evaluation.sets import load
from matching.evaluation.uncertainty import Estimate
from tests.evaluation.small import write_split
from tests.fakes.matching import HashEncoder


def found_in(folder: Path) -> Findings:
    encoder = RememberingEncoder(HashEncoder(64))
    split = load(folder)
    measured = measure(split, encoder)
    found = findings(split, measured, judge(split, encoder), encoder.name)
    return found.with_ablations(ablate(split, encoder, measured.tallies["matcher"]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a set in which one need loses something: what answers it shares no word with it."""
    write_split(tmp_path)
    (tmp_path / "qrels.tsv").write_text(
        "need_id\ttech_id\tgrade\nN0\tT1\t3\nN0\tT0\t1\nN1\tT2\t2\n", encoding="utf-8"
    )
    (tmp_path / "reasons.tsv").write_text(
        "need_id\trequirement\ttech_id\tgrade\nN0\t1\tT0\tanswers\n", encoding="utf-8"
    )
    return tmp_path


def losing(found: Findings) -> Findings:
    """Return findings as if the first need had been answered badly."""
    return replace(found, losses=tuple(losses({"N0": ["T0", "T2", "T1"], "N1": ["T2"]}, found.split)))


class Page(HTMLParser):
    """What a reader's tools see of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.labelled: list[str] = []
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href"}:
                self.addresses.append(value or "")
            if name == "aria-labelledby":
                self.labelled += (value or "").split()
            if name == "id":
                self.ids.append(value or "")


def test_the_report_is_one_file_whose_charts_have_names_and_stand_beside_tables(folder: Path) -> None:
    html = report.page(found_in(folder))
    page = Page(html)
    assert page.addresses == []
    assert "script" not in page.tags
    assert page.tags.count("svg") == 9
    assert page.tags.count("table") == 10
    assert len(page.labelled) == 18
    assert set(page.labelled) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for chart in html.split("<svg")[1:]:
        ET.fromstring("<svg" + chart.split("</svg>")[0] + "</svg>")


def test_the_report_tells_the_worst_needs_and_what_was_ranked_instead(folder: Path) -> None:
    html = report.page(losing(found_in(folder)))
    assert "N0: Jaundice" in html
    assert "T1 Pump: grade 3, rank 3, lost +0." in html
    assert "Instead, at rank 2: T2 Badge" in html
    assert "Without glossary" in html


def test_of_a_sealed_set_neither_report_nor_screen_tell_an_id_or_a_title(folder: Path) -> None:
    (folder / "SEALED").touch()
    found = found_in(folder)
    screen = "\n".join(printing.everything(found))
    for told in (report.page(found), screen):
        assert "sealed" in told
        assert not any(secret in told for secret in ("N0", "N1", "T0", "T1", "Jaundice", "Pump", "Badge"))


def test_the_screen_tells_each_method_with_its_interval_and_the_worst_needs(folder: Path) -> None:
    lines = list(printing.everything(losing(found_in(folder))))
    assert any(line.startswith("BM25, stemmed") and "[" in line for line in lines)
    assert any("N0  Jaundice" in line for line in lines)
    assert any(line.endswith("T1 Pump") and "grade 3, rank 3, lost +0." in line for line in lines)
    assert any("instead, rank 2: T2 Badge" in line for line in lines)


def test_a_text_of_the_set_cannot_write_into_the_page(folder: Path) -> None:
    needs = (folder / "needs.jsonl").read_text("utf-8").replace('"Jaundice"', '"<b>Jaundice</b>"')
    (folder / "needs.jsonl").write_text(needs, encoding="utf-8")
    html = report.page(found_in(folder))
    assert "<b>" not in html
    assert "&lt;b&gt;Jaundice" in html


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(report.ReportError, match="cannot be written"):
        report.writable(tmp_path / "file" / "report.html")
    report.writable(tmp_path / "new" / "report.html")
    assert (tmp_path / "new").is_dir()


def test_a_figure_stands_where_the_scale_says() -> None:
    chart = charts.dots(
        "Figures", [("one", Estimate(0.75, 0.5, 1.0)), ("two", Estimate(0.5, 0.5, 0.5))], "one"
    )
    first, second = chart.dots
    assert [(tick.at, tick.text) for tick in chart.ticks][::5] == [(290.0, "0.5"), (740.0, "1")]
    assert (first.low, first.x, first.high) == (290.0, 515.0, 740.0)
    assert (first.strong, second.strong) == (True, False)
    assert second.y - first.y == 30
    assert "one: 0.750, 95 % interval 0.500 to 1.000" in chart.description


def test_a_chart_of_changes_shows_where_nothing_changes() -> None:
    chart = charts.dots("Changes", [("without", Estimate(-0.1, -0.2, 0.0))], change=True)
    assert chart.zero == 740.0
    assert chart.dots[0].x == 515.0


def test_a_rate_changes_at_a_threshold_and_holds_before_it() -> None:
    chart = charts.threshold_chart(
        [CurvePoint(0.0, 1.0, 0.0), CurvePoint(0.5, 1.0, 0.0), CurvePoint(1.0, 0.0, 1.0)], 0.4
    )
    assert chart.lines[0].points == "80,20 80,20 360,20 360,360 640,360"
    assert "100% of the needs that nothing answers" in chart.description
    assert chart.at == 304.0
