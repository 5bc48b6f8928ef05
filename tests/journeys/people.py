"""What people do at the pages, in their words. Nothing here calls an operation: all goes through the browser."""

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.cast import PASSWORD


@dataclass
class Someone:
    """A person signed in at a browser of their own, in one study."""

    page: Page
    full_name: str
    key: str

    # --- what one does on any page ---

    def open(self, path: str = "") -> None:
        self.page.goto(f"/studies/{self.key}/{path}")

    def press(self, button: str) -> None:
        """Press a button that leads to another page, or to the same one with an answer."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).click()

    def follow(self, link: str) -> None:
        with self.page.expect_navigation():
            self.page.locator("#content").get_by_role("link", name=link, exact=True).first.click()

    def follow_to(self, page: str) -> None:
        """Follow whichever link leads to a page of the patient, whatever it is called just now."""
        with self.page.expect_navigation():
            self.page.locator(f'#content a[href$="/{page}/"]').first.click()

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label).fill(value)

    def choose(self, question: str, answer: str) -> None:
        """Choose an answer of a question whose answers are all in view."""
        self.page.get_by_role("group", name=question).get_by_text(answer, exact=True).click()

    def sees(self, *words: str) -> None:
        content = self.page.locator("#content")
        for said in words:
            expect(content).to_contain_text(said)

    def heading(self) -> str:
        return " ".join(self.page.locator("h1").inner_text().split())

    def card(self, heading: str) -> Locator:
        return self.page.get_by_role("region", name=heading)

    def sign_in(self, username: str, password: str, code: str = "") -> None:
        self.page.goto("/sign-in/")
        self.fill("Username", username)
        self.fill("Password", password)
        self.press("Sign in")
        if code:
            self.fill("Code", code)
            self.press("Go on")
        expect(self.page.get_by_role("heading", name="Sign in")).to_be_hidden()

    def wait(self, *, weeks: int = 0, days: int = 0) -> None:
        """Move the rehearsal on by the page's own buttons."""
        for _ in range(weeks):
            self.press("Next week")
        for _ in range(days):
            self.press("Next day")

    def wait_long(self, *, weeks: int = 0, days: int = 0) -> None:
        """What the buttons 'Next week' and 'Next day' send, so many times, without looking at the pages in between."""
        token = self.page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
        for step in [7] * weeks + [1] * days:
            sent: dict[str, str | float | bool] = {"days": f"{step}", "csrfmiddlewaretoken": token}
            answer = self.page.request.post(f"/studies/{self.key}/move-day/", form=sent, max_redirects=0)
            assert answer.status == 302, answer.text()

    # --- a patient's way ---

    def screen(self) -> str:
        """Take a new patient into screening; returns the code that the page gives."""
        self.open("patients/new/")
        self.press("Start screening")
        return self.page.locator("h1 .code").inner_text().strip()

    def make_eligible(self) -> None:
        """Consent and eligibility, from the patient's page on."""
        self.follow("Record consent")
        self.fill("Version of the consent form", "1.0")
        self.press("Save consent")
        self.follow("Check eligibility")
        self.choose("At least 18 years old", "Yes")
        self.choose("Neuropathy with anti-MAG antibodies", "Yes")
        self.choose("Agrees to the pregnancy prevention programme", "Yes")
        self.choose("Earlier treatment with lenalidomide", "No")
        self.press("Save answers")

    def register(self) -> None:
        """Registration, from the patient's page on; ends on the regimen in words."""
        self.follow("Register")
        self.press("Register and assign the dose")

    def start_cycle(self, number: int) -> None:
        self.follow(f"Start cycle {number}")
        self.press(f"Start cycle {number}")

    def enrol(self) -> str:
        """From screening to the first day of treatment. Returns the patient's code."""
        code = self.screen()
        self.make_eligible()
        self.register()
        self.start_cycle(1)
        return code

    def record_event(self, code: str, term: str, grade: int, *, dlt: bool | None = None) -> None:
        """Record an event that began today, probably related to the first agent and to no other."""
        self.open(f"patients/{code}/event/")
        self.type_event(term, grade)
        if dlt is not None:
            self.choose("Your judgement", "It is a DLT" if dlt else "Not a DLT, because …")
        self.press("Save")
        self.sees(f"{term}, grade {grade}")

    def type_event(self, term: str, grade: int) -> None:
        field = self.page.get_by_role("combobox", name="What happened")
        field.press_sequentially(term[:12])
        self.page.get_by_role("option", name=re.compile(f"^{re.escape(term)}")).first.click()
        expect(self.page.locator("input[name=shown_term]")).to_have_value(term)
        self.choose("Grade", str(grade))
        first, *others = self.page.locator('select[name^="relation_"]').all()
        first.select_option(label="probable")
        for other in others:
            other.select_option(label="unrelated")

    def close_window(self, code: str, taken: int = 21) -> None:
        self.open(f"patients/{code}/")
        self.follow("Close the DLT window")
        self.fill("Doses of lenalidomide taken in the window", str(taken))
        self.press("Save")

    # --- the dose ---

    def ask_for_the_recommendation(self, button: str = "Ask for the recommendation") -> str:
        """Returns the answer, the page's heading."""
        self.open("decision/")
        self.press(button)
        return self.heading()

    def decide(self, patients: int | None = None, password: str = PASSWORD) -> None:
        """As the first to sign: accept what is recommended, with so many patients in the next cohort."""
        self.open("decision/")
        if patients is not None:
            self.fill("Patients in the next cohort", str(patients))
        self.sign(password)

    def sign(self, password: str = PASSWORD) -> None:
        self.fill("Password", password)
        self.press(f"Sign as {self.full_name}")

    def sign_too(self) -> None:
        """As one of those who sign what another has proposed."""
        self.open("decision/")
        self.sign()
