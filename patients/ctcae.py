"""The terms of CTCAE v5.0 with what each grade means, and finding a term from what somebody types.

Source: Common Terminology Criteria for Adverse Events v5.0, National Cancer Institute, 27 November 2017 (a work of
the US government, in the public domain): all 837 terms, in `data/ctcae_v5.json`. Where CTCAE has no such grade for a
term, that grade cannot be chosen.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data" / "ctcae_v5.json"
NO_SUCH_GRADE = "—"

# What clinicians call it, where CTCAE says it otherwise. Found by search only; the term is what is recorded.
ALSO_CALLED = {
    "Neutrophil count decreased": "neutropenia low ANC granulocytopenia",
    "Platelet count decreased": "thrombocytopenia low platelets",
    "White blood cell decreased": "leukopenia WBC",
    "Lymphocyte count decreased": "lymphopenia",
    "Anemia": "anaemia low haemoglobin hemoglobin Hb",
    "Febrile neutropenia": "neutropenic fever",
    "Alanine aminotransferase increased": "ALT SGPT transaminase liver enzymes",
    "Aspartate aminotransferase increased": "AST SGOT transaminase liver enzymes",
    "Alkaline phosphatase increased": "ALP",
    "Blood bilirubin increased": "hyperbilirubinemia jaundice",
    "Creatinine increased": "kidney renal function",
    "CPK increased": "creatine kinase CK",
    "INR increased": "prothrombin time",
    "Thromboembolic event": "DVT deep vein thrombosis pulmonary embolism PE venous clot VTE",
    "Arterial thromboembolism": "arterial thrombosis clot",
    "Myocardial infarction": "heart attack",
    "Stroke": "CVA cerebral infarction",
    "Transient ischemic attacks": "TIA",
    "Fatigue": "tiredness asthenia",
    "Rash maculo-papular": "exanthema morbilliform drug rash",
    "Rash acneiform": "acne",
    "Pruritus": "itching",
    "Palmar-plantar erythrodysesthesia syndrome": "hand-foot syndrome",
    "Urticaria": "hives",
    "Alopecia": "hair loss",
    "Shingles": "herpes zoster",
    "Lung infection": "pneumonia",
    "Upper respiratory infection": "common cold URTI",
    "Urinary tract infection": "UTI cystitis",
    "Peripheral sensory neuropathy": "numbness tingling",
    "Diarrhea": "diarrhoea loose stools",
    "Dyspnea": "dyspnoea shortness of breath breathlessness",
    "Edema limbs": "oedema swelling legs ankles",
    "Mucositis oral": "stomatitis mouth sores",
    "Gastroesophageal reflux disease": "GERD heartburn",
    "Anorexia": "loss of appetite",
    "Insomnia": "sleeplessness",
    "Syncope": "fainting",
    "Muscle cramp": "spasm",
    "Myalgia": "muscle pain",
    "Arthralgia": "joint pain",
    "Hyperglycemia": "high blood sugar glucose steroid diabetes",
    "Hypertension": "high blood pressure",
    "Hypotension": "low blood pressure",
    "Cytokine release syndrome": "CRS",
    "Infusion related reaction": "infusion reaction",
    "Tumor lysis syndrome": "TLS",
    "Treatment related secondary malignancy": "second primary cancer",
    "Thyroid stimulating hormone increased": "TSH",
    "Electrocardiogram QT corrected interval prolonged": "QTc",
}


@dataclass(frozen=True)
class Term:
    """A CTCAE term. grades: the meaning of grades 1 to 5, None where CTCAE has no such grade."""

    name: str
    soc: str
    grades: tuple[str | None, ...]

    @property
    def possible_grades(self) -> tuple[int, ...]:
        return tuple(number for number, meaning in enumerate(self.grades, start=1) if meaning is not None)

    @property
    def needs_detail(self) -> bool:
        """Whether the term asks to say what it is ('Other, specify')."""
        return self.name.endswith("Other, specify")

    def meaning(self, grade: int) -> str:
        """What a grade from 1 to 5 means, or '—' where CTCAE has no such grade."""
        return self.grades[grade - 1] or NO_SUCH_GRADE


@cache
def terms() -> tuple[Term, ...]:
    """All 837 terms, by system organ class and then as CTCAE lists them."""
    rows = json.loads(DATA.read_text(encoding="utf-8"))["terms"]
    return tuple(
        Term(row["term"], row["soc"], tuple(meaning and _typeset(meaning) for meaning in row["grades"])) for row in rows
    )


def find(name: str) -> Term | None:
    """The term of this name, however it is capitalised; None where there is none."""
    return _by_name().get(_folded(name))


def spelled(name: str) -> str:
    """The name as CTCAE spells it; what was typed, where it is no term."""
    term = find(name)
    return term.name if term else name.strip()


def search(text: str, limit: int = 12) -> list[Term]:
    """Terms that have every typed word at the beginning of one of theirs, the best first.

    Best is the term itself, then names that begin with what was typed and what clinicians call just so, then names
    with all words, and at last what begins otherwise. Without a letter typed there is nothing to find.
    """
    words = _words(text)
    if not words:
        return []
    ranked = sorted(
        (rank, term.needs_detail, len(term.name), term.name, term)
        for term in terms()
        if (rank := _rank(term, _folded(text), words)) is not None
    )
    return [term for *_, term in ranked[:limit]]


def _rank(term: Term, typed: str, words: list[str]) -> int | None:
    name = _folded(term.name)
    if name == typed:
        return 0
    otherwise = _words(ALSO_CALLED.get(term.name, ""))
    if name.startswith(typed) or set(words) <= set(otherwise):
        return 1
    if _all_begin(words, _words(term.name)):
        return 2
    if _all_begin(words, _words(term.name) + otherwise):
        return 3
    return None


def _all_begin(typed: list[str], words: list[str]) -> bool:
    return all(any(word.startswith(one) for word in words) for one in typed)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", _folded(text))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


@cache
def _by_name() -> dict[str, Term]:
    return {_folded(term.name): term for term in terms()}


def _typeset(meaning: str) -> str:
    """The same words with the signs that a page can show: ≥, ≤, ×, a dash in ranges."""
    text = meaning.replace(">=", "≥").replace("<=", "≤").replace(" - ", " – ")
    text = re.sub(r" x (?=ULN|LLN|baseline|10e9)", " × ", text)
    return re.sub(r"10e9 ?/", "10⁹/", text).replace("/mm3", "/mm³").replace("/1.73 m2", "/1.73 m²")
