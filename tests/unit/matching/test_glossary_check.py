"""The check that is run after the glossary was edited."""

from __future__ import annotations

import pytest

from matching.glossary_check import FILE, faults, main, tidied

HEAD = "section,forms,meaning,related,context\n"


def told(*rows: str) -> list[str]:
    return list(faults(HEAD + "".join(f"{row}\n" for row in rows)))


def test_nothing_is_wrong_with_the_shipped_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(faults(FILE.read_text(encoding="utf-8"))) == []
    assert main([]) == 0
    assert "Nothing is wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([",ABC,a b c,,"], "line 2: the row has no section"),
        (["s,ABC,,,"], "glossary, line 2: forms and meaning are wanted"),
        (
            ["s,ABC,first thing,,", "s,ABC,second thing,,"],
            "lines 2, 3: “ABC” is on several rows without context",
        ),
        (
            ["s,ABC,one,,", "s,DEF,one,,"],
            "lines 2, 3: “one” is on several rows; two are allowed, one of them with context",
        ),
        (
            ["s,ABC; leg clot,first,,", "s,DEF,leg clots,,"],
            "lines 2, 3: “leg clot” means two things; make it related on one of the rows",
        ),
        (["s,ABC,one,,Upper"], "line 2: context “Upper” must be lower-case and of two letters or more"),
        (
            ["s,leg clot = x,one,,"],
            "line 2: “leg clot” is not an abbreviation, so it cannot stand for other words",
        ),
        (["s,ABC = ,one,,"], "line 2: “ABC” stands for nothing: write words after the = sign"),
        (["s,ABC,one,&,"], "line 2: “&” holds no word"),
        (
            ["t,DEF,two,,", "s,ABC,one,,"],
            "line 2: the row after this one belongs before it (--tidy puts rows in order)",
        ),
        (["s,ABC;ABC,one,,"], "the file is not tidy (--tidy makes it so)"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(rows: list[str], fault: str) -> None:
    assert fault in told(*rows)


def test_a_table_with_other_columns_is_refused() -> None:
    assert list(faults("section,forms\nx,y\n")) == [
        "line 1: the columns must be section, forms, meaning, related, context"
    ]


def test_one_concept_may_have_a_second_row_for_forms_that_need_context() -> None:
    assert told("s,ABC,one,,", "s,XY,one,,lung") == []


def test_tidying_orders_rows_and_takes_out_spaces_and_repeats() -> None:
    assert (
        tidied(HEAD + "b,XYZ ;XYZ,two  words,,\na,ABC,one,,\n") == HEAD + "a,ABC,one,,\nb,XYZ,two words,,\n"
    )
