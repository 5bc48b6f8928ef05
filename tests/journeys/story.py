"""A short trial for pages to show something of everything: an invented study, made as the demonstration's are."""

import datetime as dt

from reminders.demo.script import Course, Happening, Plot, dlt

SHORT = Plot(
    key="LEN-MAG-09",
    title="Lenalidomide in anti-MAG neuropathy, short",
    starts_on=dt.date(2026, 5, 4),
    stops_on=dt.date(2026, 8, 12),
    quiet=8,
    last_signer_waits=True,
    courses=(
        Course("A", events=(Happening(1, 9, "Fatigue", 2),), late=((2, 3),), missed_samples=("after-1",)),
        Course("A", events=(dlt(12, "Febrile neutropenia", 3, ends_treatment=True),)),
        Course("B", events=(Happening(1, 15, "Diarrhea", 2, reduces=True),)),
        Course("A"),
    ),
)
