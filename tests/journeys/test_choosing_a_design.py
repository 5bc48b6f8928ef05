"""A statistician chooses a design: compares it with 3+3, keeps it, prints the appendix, and starts a study from it."""

import re
import zlib

import pytest
from playwright.sync_api import expect

from accounts.models import User
from dosing.engine import BoinDesign, ThreePlusThreeDesign, operating_characteristics
from dosing.models import Comparison
from dosing.queries.draft import faults_of_draft
from dosing.queries.inputs import design_of_protocol
from tests.journeys.people import Someone
from trials.models import ProtocolVersion, Study

pytestmark = pytest.mark.browser

TRUTH = (0.10, 0.30, 0.50)
BOIN = BoinDesign(target=0.30, max_patients=12, cohort_size=1)
TITLE = "BOIN or 3+3 for the anti-MAG trial"


def test_a_statistician_compares_saves_prints_and_starts_a_study(
    study: Study, statistician: User, whitfield: Someone
) -> None:
    when_the_comparison_begins_with_the_studys_own_ladder(whitfield)
    then_the_difference_is_that_of_the_exact_calculation(whitfield)
    when_it_is_saved_for_the_study(whitfield)
    then_the_appendix_holds_both_designs(whitfield)
    when_a_study_is_started_from_its_boin(whitfield)
    then_the_draft_has_the_design_and_lacks_nothing(statistician)


def when_the_comparison_begins_with_the_studys_own_ladder(whitfield: Someone) -> None:
    page = whitfield.page
    page.goto("/designs/")
    whitfield.follow(whitfield.key)
    for label in ("10 mg", "15 mg", "25 mg"):
        expect(page.locator(f'input[name=dose][value="{label}"]')).to_be_visible()
    for field, truth in zip(page.locator("input[name=p]").all(), TRUTH, strict=True):
        field.fill(f"{truth:g}")


def then_the_difference_is_that_of_the_exact_calculation(whitfield: Someone) -> None:
    boin, three = (
        round(100 * float(operating_characteristics(design, [TRUTH], target=0.30).correct_selection[0]), 1)
        for design in (BOIN, ThreePlusThreeDesign())
    )
    assert boin > three
    shares = f"BOIN selects the MTD, 15 mg, in {boin:.1f} % of trials, 3+3 in {three:.1f} %"
    said = f"{shares}: {boin - three:.1f} points more often."
    expect(whitfield.page.locator("h1")).to_have_text(said)


def when_it_is_saved_for_the_study(whitfield: Someone) -> None:
    whitfield.follow("Save this comparison")
    whitfield.fill("Title", TITLE)
    whitfield.fill("Note", "The ladder is short and patients are few.")
    whitfield.page.get_by_label("Who may see it").select_option(whitfield.key)
    whitfield.press("Save")
    assert whitfield.heading() == TITLE
    whitfield.sees("The comparison is saved.", "points more often", "The ladder is short and patients are few.")


def then_the_appendix_holds_both_designs(whitfield: Someone) -> None:
    kept = Comparison.objects.get()
    assert kept.study is not None
    link = whitfield.page.get_by_role("link", name="Appendix (PDF)").get_attribute("href")
    answer = whitfield.page.request.get(link or "")
    assert answer.headers["content-type"] == "application/pdf"
    pdf = answer.body()
    assert pdf.startswith(b"%PDF-1.7")
    assert TITLE.encode() in pdf  # the title in its metadata
    outline = outline_of(pdf)
    for heading in ("BOIN", "3+3", "Decision table", "Operating characteristics", "References"):
        assert any(heading in entry for entry in outline), outline


def outline_of(pdf: bytes) -> list[str]:
    """The headings that a reader shows beside the pages."""
    packed = re.findall(rb"stream\r?\n(x\x9c.*?)\r?\nendstream", pdf, re.DOTALL)
    streams = [zlib.decompress(one) for one in packed]
    objects = pdf + b"\n".join(streams)
    return [title.decode("latin-1") for title in re.findall(rb"/Title\s*\(([^)]*)\)", objects)]


def when_a_study_is_started_from_its_boin(whitfield: Someone) -> None:
    page = whitfield.page
    with page.expect_navigation():
        page.get_by_role("link", name=re.compile("Use this design.*BOIN")).click()
    whitfield.fill("Key", "LEN-MAG-02")
    whitfield.fill("Title", "Lenalidomide in anti-MAG neuropathy, second trial")
    expect(page.get_by_label("Take the rest from")).to_have_value(f"study:{whitfield.key}")
    whitfield.press("Start the study")
    whitfield.sees("LEN-MAG-02 is started as a draft with BOIN")


def then_the_draft_has_the_design_and_lacks_nothing(statistician: User) -> None:
    version = ProtocolVersion.objects.get(study__key="LEN-MAG-02")
    assert faults_of_draft(version.definition) == []
    assert design_of_protocol(version.protocol) == BOIN
    assert version.study.memberships.get().user == statistician
