import re

import segno

from labs.labels import label_code, labels_of, qr_svg, timepoint_mark
from labs.queries import samples_of
from tests.cast import DAY_ONE
from tests.labs.in_memory import a_patient, anti_mag
from trials.protocol import Samples


def schedule() -> Samples:
    samples = anti_mag().protocol.samples
    assert samples is not None
    return samples


def dark_modules(svg: str) -> set[tuple[int, int]]:
    """The dark modules (column, row) that the SVG's strokes draw, read back from its path."""
    path = re.search(r'class="qrline"[^>]* d="([^"]+)"', svg)
    assert path is not None
    found, x, y = set(), 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path[1]):
        values = [float(number) for number in re.findall(r"-?\d*\.?\d+", numbers)]
        if command == "M":
            x, y = values
        elif command == "m":
            x, y = x + values[0], y + values[1]
        else:
            found |= {(int(x) + step, int(y)) for step in range(int(values[0]))}
            x += values[0]
    return found


def test_the_code_names_study_patient_time_point_and_tube() -> None:
    patient, purple = a_patient(), schedule().tubes[0]
    codes = {t.code: label_code(patient, t, purple) for t in schedule().timepoints}
    assert codes["pre-treatment"] == "LEN-MAG-01.A-001.PRE.EDTA"
    assert codes["after-2"] == "LEN-MAG-01.A-001.C02.EDTA"
    assert codes["after-12"] == "LEN-MAG-01.A-001.C12.EDTA"


def test_no_two_labels_of_a_patient_are_alike() -> None:
    labels = [label for due in samples_of(a_patient("expansion"), DAY_ONE) for label in labels_of(a_patient(), due)]
    assert len({label.code for label in labels}) == len(labels) == 18


def test_time_points_that_would_have_the_same_mark_keep_their_own_codes() -> None:
    twice = schedule().timepoints[0].model_copy(update={"code": "second-baseline"})
    both = schedule().model_copy(update={"timepoints": (*schedule().timepoints, twice)})
    assert [timepoint_mark(both, t) for t in (both.timepoints[0], twice)] == ["PRE-TREATMENT", "SECOND-BASELINE"]
    assert timepoint_mark(both, both.timepoints[1]) == "C01"


def test_a_label_says_which_tube_in_words_and_names_nobody() -> None:
    due = next(d for d in samples_of(a_patient(), DAY_ONE) if d.code == "after-1")
    purple, red = labels_of(a_patient(), due)
    assert (purple.patient, purple.timepoint, purple.tube) == ("A-001", "After cycle 1", "10 ml purple EDTA")
    assert (red.tube, red.purpose, red.collected_on) == ("6 ml red", "possible later cytokine evaluation", None)


def test_the_qr_code_holds_the_code() -> None:
    code = "LEN-MAG-01.A-001.C02.EDTA"
    expected = segno.make_qr(code, error="q", boost_error=False)
    quiet = 4
    matrix = {
        (column + quiet, row + quiet)
        for row, line in enumerate(expected.matrix)
        for column, dark in enumerate(line)
        if dark
    }
    assert dark_modules(qr_svg(code)) == matrix
    assert dark_modules(qr_svg(code.replace("C02", "C03"))) != matrix


def test_the_qr_code_is_black_on_white_and_without_styles() -> None:
    svg = qr_svg("LEN-MAG-01.A-001.C02.EDTA")
    assert 'stroke="#000"' in svg
    assert 'fill="#fff"' in svg
    assert "style=" not in svg
