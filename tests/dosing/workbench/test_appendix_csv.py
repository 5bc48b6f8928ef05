"""The protocol appendix as a file for spreadsheets and R: every number in full, nothing that runs as a formula."""

import csv
import io

import pytest

from dosing.engine import TiteBoinDesign, operating_characteristics
from dosing.models import Comparison
from dosing.workbench.appendix_csv import HEADER, appendix_csv, guarded
from dosing.workbench.reading import AS_GIVEN
from tests.dosing.workbench.comparing import BOIN, THREE_PLUS_THREE
from tests.dosing.workbench.test_appendix import comparison, same

LABELS = ("10 mg", "15 mg", "25 mg")


def rows(found: Comparison, chosen: int | None = None) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(appendix_csv(found, chosen))))


def values(read: list[dict[str, str]], **where: str) -> list[str]:
    return [row["value"] for row in read if all(row[name] == value for name, value in where.items())]


def test_every_row_has_the_six_columns() -> None:
    lines = list(csv.reader(io.StringIO(appendix_csv(comparison()))))
    assert tuple(lines[0]) == HEADER == ("section", "design", "scenario", "dose", "quantity", "value")
    assert {len(line) for line in lines} == {6}


def test_operating_characteristics_read_back_are_the_engines() -> None:
    read = rows(comparison())
    for name, design in (("BOIN", BOIN), ("3+3", THREE_PLUS_THREE)):
        engine = operating_characteristics(design, [[0.10, 0.30, 0.50]], target=0.30)
        for quantity in ("selection", "patients", "dlts"):
            per_dose = [values(read, design=name, scenario=AS_GIVEN, dose=d, quantity=quantity) for d in LABELS]
            assert [float(value) for [value] in per_dose] == same(getattr(engine, quantity)[0].tolist())
        for quantity in ("correct_selection", "no_selection", "total_patients", "total_dlts", "overdose_60"):
            [value] = values(read, design=name, scenario=AS_GIVEN, dose="", quantity=quantity)
            assert float(value) == same(float(getattr(engine, quantity)[0]))


def test_the_decision_table_reads_back_as_the_designs() -> None:
    read = rows(comparison(), 0)
    for row in BOIN.boundaries():
        found = values(read, section="boundary", quantity=f"n={row.n} eliminate_if_at_least")
        assert found == ([] if row.eliminate_if_at_least is None else [str(row.eliminate_if_at_least)])
    assert values(read, section="decision", quantity="n=6 y=2") == ["S"]
    assert len(values(read, section="decision")) == sum(n + 1 for n in range(1, 13))


def test_all_parameters_are_there() -> None:
    read = rows(comparison())
    given = {row["quantity"]: row["value"] for row in read if row["section"] == "parameter" and row["design"] == "BOIN"}
    assert set(given) == set(BOIN.parameters()) | {"design"}
    assert (float(given["p_saf"]), given["titration"], given["early_stop_n"]) == (BOIN.p_saf, "no", "")


def test_simulated_numbers_come_with_their_errors() -> None:
    read = rows(comparison(TiteBoinDesign(target=0.30, max_patients=12)))
    assert values(read, scenario=AS_GIVEN, quantity="trials") == ["10000"]
    [error] = values(read, scenario=AS_GIVEN, quantity="correct_selection_standard_error")
    assert 0 < float(error) < 0.01
    assert values(read, quantity="timing_window") == ["28.0"]


@pytest.mark.parametrize("text", ["=1+1", "+49", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1"])
def test_a_text_that_looks_like_a_formula_is_told_apart(text: str) -> None:
    assert guarded(text) == f"'{text}"


def test_titles_and_doses_are_guarded_and_numbers_are_not() -> None:
    read = rows(comparison(title="=HYPERLINK(1)", labels=("-1", "1", "2")))
    assert values(read, section="comparison", quantity="title") == ["'=HYPERLINK(1)"]
    assert values(read, section="dose", dose="'-1") == ["1"]
    assert values(read, section="dose", dose="2") == ["3"]


def test_the_same_comparison_gives_the_same_file() -> None:
    assert appendix_csv(comparison()) == appendix_csv(comparison())
