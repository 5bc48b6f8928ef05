"""When a rehearsal is over, when it cannot go on by itself, and how long before treatment somebody is registered."""

import datetime as dt

from dosing.queries import Situation, Stage
from patients.evaluability import Standing
from patients.schedule import days_after_start, lies_before_its_anchor
from reminders.models import Rehearsal
from trials.models import Part
from trials.protocol import AnchorKind, Protocol, Timepoint

SOON, LATEST = 2, 60  # days from registration to the start of treatment
IDLE = dt.timedelta(days=366)


def has_ended(situation: Situation) -> bool:
    """No dose is to be decided any more, and everybody whom the study wanted is treated and counts or was replaced."""
    if situation.stage == Stage.FINISHED:
        return True
    if situation.stage != Stage.EXPANSION or situation.tally.free_slots:
        return False
    return all(s.standing != Standing.PENDING for s in situation.tally.in_part(Part.Kind.EXPANSION))


def why_it_waits(situation: Situation, rehearsal: Rehearsal, today: dt.date) -> str:
    """Why playing on would change nothing; empty while it does."""
    study = situation.tally.study
    if situation.stage == Stage.HELD or study.accrual_suspended_at is not None:
        return "Registration is held or suspended by somebody's hand. Sign a decision or resume accrual, then play on."
    newest = max((s.patient.registered_at for s in situation.tally.standings if s.patient.registered_at), default=None)
    since = newest.date() if newest else rehearsal.started_on
    if today - since > IDLE:
        return "For a year nobody has been registered, and there is still a dose to be decided. Look at the Study page."
    return ""


def most_days_before_start(protocol: Protocol) -> int:
    """How long before the start of treatment somebody is registered, so that what lies before it can be done."""
    samples = protocol.samples.timepoints if protocol.samples else ()
    activities = [t for activity in protocol.recorded_activities for t in activity.timepoints]
    needed = [_days_before(t, protocol) for t in (*samples, *activities)]
    return min(LATEST, max([SOON, *needed]))


def _days_before(timepoint: Timepoint, protocol: Protocol) -> int:
    """How many days a time point lies before the start of treatment, and one more; 0 where it does not."""
    if timepoint.anchor not in (AnchorKind.LEAD_IN_DAY, AnchorKind.CYCLE_DAY):
        return 0
    if not lies_before_its_anchor(timepoint, protocol):
        return 0
    after = days_after_start(timepoint, protocol)
    if timepoint.anchor is AnchorKind.CYCLE_DAY and protocol.lead_in is not None:
        after += protocol.lead_in.length_days
    return 1 - after if after < 0 else 0
