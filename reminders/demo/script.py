"""What happens to each invented patient. The dates follow from it; nothing here names a dose level."""

import datetime as dt
from dataclasses import dataclass

from reminders.rehearsal.course import UNLIKELY, Body, Course, Happening


@dataclass(frozen=True)
class Plot:
    """One study of the demonstration.

    stops_on: the study's day when the demonstration begins. quiet: days before it in which samples and outcome values
    are left undone, so that something is due and overdue. last_signer_waits: the newest decision keeps one signature
    open. days_between: at least so many days lie between two registrations. study_file: one of the shipped ones, by its
    name there. last_day_is_left: what is due on the day on which the demonstration begins is left to who tries it.
    """

    key: str
    title: str
    starts_on: dt.date
    stops_on: dt.date
    courses: tuple[Course, ...]
    quiet: int = 12
    last_signer_waits: bool = False
    days_between: int = 0
    study_file: str = "anti-mag-lenalidomide"
    last_day_is_left: bool = False


NEUTROPENIA = "Neutrophil count decreased"
STOPS_ON = dt.date(2026, 11, 21)


def dlt(
    day: int, term: str = NEUTROPENIA, grade: int = 4, *, reduces: bool = False, ends_treatment: bool = False
) -> Happening:
    """A DLT on a day of cycle 1; one that ends treatment is serious."""
    return Happening(
        cycle=1,
        day=day,
        term=term,
        grade=grade,
        dlt=True,
        lasts=11,
        serious=ends_treatment,
        reduces=reduces,
        ends_treatment=ends_treatment,
    )


ESCALATING = Plot(
    key="LEN-MAG-01",
    title="Lenalidomide in anti-MAG neuropathy",
    starts_on=dt.date(2026, 3, 13),
    stops_on=STOPS_ON,
    last_signer_waits=True,
    courses=(
        Course("A", events=(Happening(1, 9, "Fatigue", 1), Happening(3, 4, "Constipation", 2)), improves=0.35),
        Course("B", events=(Happening(2, 12, "Rash maculo-papular", 2),), late=((4, 3),), improves=0.5),
        Course("A", events=(dlt(16, reduces=True),), improves=0.2, missed_samples=("after-3",)),
        Course(
            "A", taken=8, events=(Happening(1, 10, "Upper respiratory infection", 2, relation=UNLIKELY),), improves=0.1
        ),
        Course("A", events=(Happening(1, 20, "Diarrhea", 2),), improves=0.4),
        Course("B", events=(Happening(2, 8, "Fatigue", 2),), improves=0.6),
        Course("A", events=(dlt(12, "Febrile neutropenia", 3, ends_treatment=True),)),
        Course("B", events=(Happening(1, 15, NEUTROPENIA, 2),), improves=0.3),
        Course("A", late=((2, 5),), improves=0.25),
        Course("B", events=(dlt(17, reduces=True),), improves=0.15),
        Course("A", events=(dlt(19, "Platelet count decreased", 4, reduces=True),), improves=0.1),
        Course("B"),
    ),
)

EXPANDING = Plot(
    key="LEN-MAG-00",
    title="Lenalidomide in anti-MAG neuropathy, first study",
    starts_on=dt.date(2025, 12, 3),
    stops_on=STOPS_ON,
    days_between=14,
    courses=(
        Course("A", events=(Happening(2, 5, "Fatigue", 2),), improves=0.4),
        Course("B", improves=0.3),
        Course("A", events=(Happening(1, 22, "Constipation", 2),), improves=0.5),
        Course("B", events=(dlt(14, reduces=True),), improves=0.2),
        Course("A", leaves=(7, 10, "patient-request"), improves=0.2),
        Course(
            "B",
            events=(
                dlt(18, "Platelet count decreased", 4, reduces=True),
                Happening(6, 9, NEUTROPENIA, 3, reduces=True),
            ),
        ),
        Course("A", improves=0.35),
        Course("B", events=(Happening(1, 11, "Rash maculo-papular", 2),), improves=0.6),
        Course(
            "A",
            events=(
                Happening(4, 6, "Intracranial hemorrhage", 3, relation=UNLIKELY, ends_treatment=True, serious=True),
            ),
        ),
        Course("B", improves=0.3),
        Course("A", events=(dlt(21, reduces=True),), improves=0.25),
        Course("B", improves=0.45),
        Course("A", improves=0.5),
        Course("B", events=(Happening(2, 3, "Diarrhea", 2),), improves=0.4),
        Course("A", events=(Happening(2, 9, NEUTROPENIA, 3, reduces=True),), improves=0.3),
        Course("B", improves=0.3),
        Course("A", improves=0.2),
        Course("B"),
    ),
)

# Two levels with a lead-in of three weeks before each patient's cycle 1, so the newest cohort is spread over both.
COMBINING = Plot(
    key="LEN-CET-01",
    title="Lenalidomide and cetuximab in metastatic solid tumours",
    study_file="lenalidomide-cetuximab",
    starts_on=dt.date(2026, 6, 17),
    stops_on=STOPS_ON,
    quiet=3,
    last_day_is_left=True,
    days_between=4,
    courses=(
        Course(
            "A",
            events=(Happening(1, 9, "Rash acneiform", 2),),
            leaves=(3, 27, "disease-progression"),
            body=Body(181, 84, -0.5),
        ),
        Course(
            "B",
            events=(Happening(0, 12, "Fatigue", 2), Happening(2, 3, "Hypomagnesemia", 2)),
            leaves=(2, 26, "disease-progression"),
            body=Body(164, 58),
        ),
        Course(
            "A",
            events=(Happening(1, 1, "Infusion related reaction", 2, lasts=1),),
            leaves=(4, 9, "disease-progression"),
            body=Body(170, 92, -1),
        ),
        Course("B", events=(Happening(1, 12, "Rash acneiform", 3),), body=Body(158, 49.5)),
        Course("A", events=(dlt(17, "Diarrhea", 3, reduces=True),), body=Body(176, 70)),
        Course(
            "B",
            events=(Happening(1, 20, NEUTROPENIA, 2),),
            leaves=(2, 20, "disease-progression"),
            body=Body(168, 66.5),
        ),
        Course("A", events=(Happening(0, 8, "Constipation", 1),), body=Body(185, 96)),
        Course("B", body=Body(162, 61)),
        Course("A", body=Body(174, 79)),
        Course("B"),
    ),
)
