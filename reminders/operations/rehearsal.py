"""Trying a study: a rehearsal copy with invented patients, played a day at a time. Only such copies are ever played."""

import datetime as dt

import structlog
from django.db import transaction

from accounts.models import DatabaseClock, User
from audit.context import operation
from dosing.operations import go_live
from dosing.queries import Situation, where_we_stand
from patients.models import Patient
from reminders.models import Play, Rehearsal
from reminders.rehearsal import people
from reminders.rehearsal.days import has_ended, most_days_before_start, why_it_waits
from reminders.rehearsal.fate import Scenario, arrivals_on, course_of
from reminders.rehearsal.player import Player
from reminders.rehearsal.scenario import check_scenario
from trials.clock import day_of, now
from trials.errors import Refused
from trials.models import Role, Study
from trials.operations import add_site, copy_study, grant_role, move_rehearsal_day
from trials.permissions import Permission, require
from trials.queries import lock_study, version_to_read

log = structlog.get_logger(__name__)
SITE, SITE_NAME = "A", "Invented hospital"
LONGEST_KEY = 40
Status = Play.Status


@operation
def try_it(*, source: Study, scenario: Scenario, seed: int, by: User, at: dt.datetime) -> Rehearsal:
    """Make a rehearsal copy of a study, or of its draft, that is live at once and can be played.

    Whoever makes it sets it up and is its principal investigator; invented people have all other roles. Raises
    Refused: toxicity-faulty, accrual-faulty, chance-faulty, seed-faulty, draft-has-faults; Forbidden for somebody who
    does not see the study.
    """
    require(by, Permission.VIEW_STUDY, source)
    check_scenario(scenario, seed, len(version_to_read(source).definition.get("levels") or ()))
    day = day_of(at, source.time_zone)
    title = version_to_read(source).definition["study"]["title"]
    study = copy_study(source=source, key=_free_key(source), title=title, by=by, at=at, rehearsal_day=day)
    rung = User.objects.system()
    add_site(study=study, code=SITE, name=SITE_NAME, time_zone=study.time_zone, by=rung, at=at)
    grant_role(study=study, person=by, role=Role.PRINCIPAL_INVESTIGATOR, by=rung, at=at)
    go_live(study=study, by=rung, at=at)
    people.give_roles(study, by=rung, at=at)
    return Rehearsal.objects.create(
        study=study, source=_tried(source), scenario=scenario.to_dict(), seed=seed, started_by=by, started_on=day
    )


@operation
def play_day(*, rehearsal: Rehearsal, by: User, at: dt.datetime, player: Player | None = None) -> Situation:
    """Move a rehearsal's own day on by one, and do all that falls due on it. Where it then stands.

    player: one that played the day before, so that it need not look at everybody anew.
    Raises Refused: not-played, played-to-the-end, and whatever refuses what the day asks for.
    """
    require(by, Permission.MOVE_REHEARSAL_DAY, rehearsal.study)
    study = lock_study(rehearsal.study)
    if not study.is_rehearsal or not Rehearsal.objects.filter(pk=rehearsal.pk, study=study).exists():
        raise Refused("not-played", f"{study.key} is not a rehearsal that can be played: try the study to have one.")
    move_rehearsal_day(study=study, days=1, by=by, at=at)
    player = player or player_of(rehearsal)
    player.study = Study.objects.get(pk=study.pk)
    player.patients()
    player.decisions()
    _arrivals(rehearsal, player)
    situation = player.decisions()
    if has_ended(situation):
        log.info("rehearsal_ended", study=study.key, day=str(player.today))
    return situation


@operation
def start_play(*, rehearsal: Rehearsal, by: User, at: dt.datetime) -> Play:
    """Have a rehearsal played to its end by a worker. Nothing happens where one is at it already."""
    require(by, Permission.MOVE_REHEARSAL_DAY, rehearsal.study)
    lock_study(rehearsal.study)
    running = rehearsal.plays.running().first()
    if running is None and has_ended(where_we_stand(rehearsal.study, now(rehearsal.study))):
        raise Refused("played-to-the-end", f"{rehearsal.study.key} has been played to its end. Try the study again.")
    return running or Play.objects.create(rehearsal=rehearsal, started_by=by)


@operation
def stop_play(*, rehearsal: Rehearsal, by: User, at: dt.datetime) -> bool:
    """Stop the play; the day that is being played is still played whole. False where none was running."""
    require(by, Permission.MOVE_REHEARSAL_DAY, rehearsal.study)
    return bool(rehearsal.plays.running().update(status=Status.STOPPED))


def play_on(*, play_id: int, by: User, at: dt.datetime, player: Player | None = None) -> Player | None:
    """Play one more day of a play; the player for the next one, None where there is none to play.

    Not one transaction on purpose: a day that is refused is undone whole, and then, in a second one, the play ends
    with what was refused.
    """
    try:
        return _one_day(play_id=play_id, player=player, by=by, at=at)
    except Exception as fault:  # whatever it is: the same day would meet it again and again
        refused = isinstance(fault, Refused)
        why = fault.sentence if isinstance(fault, Refused) else f"{type(fault).__name__}: {fault}"
        if not refused:
            log.exception("play_failed", play=play_id)
        _fail(play_id=play_id, why=f"The next day could not be played. {why}", by=by, at=at)
        return None


@operation
def _one_day(*, play_id: int, player: Player | None, by: User, at: dt.datetime) -> Player | None:
    """A day and the trace of it, or neither. Another worker's play is left to that worker."""
    plays = Play.objects.running().select_for_update(skip_locked=True, of=("self",))
    play = plays.select_related("rehearsal__study", "rehearsal__source", "started_by").filter(pk=play_id).first()
    if play is None:
        return None
    player = player or player_of(play.rehearsal)
    situation = play_day(rehearsal=play.rehearsal, player=player, by=play.started_by, at=at)
    play.days += 1
    play.last_day_at = DatabaseClock()
    if has_ended(situation):
        play.status = Status.DONE
    elif why := why_it_waits(situation, play.rehearsal, player.today):
        play.status, play.failure = Status.FAILED, why
    play.save(update_fields=["days", "last_day_at", "status", "failure"])
    return player if play.status == Status.RUNNING else None


@operation
def _fail(*, play_id: int, why: str, by: User, at: dt.datetime) -> None:
    Play.objects.running().filter(pk=play_id).update(status=Status.FAILED, failure=why)


def player_of(rehearsal: Rehearsal) -> Player:
    """A player of the rehearsal as it is now."""
    scenario, seed = Scenario.from_dict(rehearsal.scenario), rehearsal.seed
    study = Study.objects.get(pk=rehearsal.study_id)
    return Player(study, people.cast_of(study), lambda patient: course_of(patient, scenario, seed))


def _arrivals(rehearsal: Rehearsal, player: Player) -> None:
    """Patients come as chance has it; whoever finds no place goes elsewhere."""
    day = (player.today - rehearsal.started_on).days
    came = arrivals_on(Scenario.from_dict(rehearsal.scenario), rehearsal.seed, day)
    for _ in range(came):
        player.decisions()
        if _register(player) is None:
            return


def _register(player: Player) -> Patient | None:
    """Somebody new, if there is a place; nothing is written where there is none."""
    study = Study.objects.get(pk=player.study.pk)
    if study.accrual_suspended_at is not None or not player.has_a_place():
        return None
    start = player.today + dt.timedelta(days=most_days_before_start(study.protocol))
    try:
        with transaction.atomic():
            return player.register(player.screen(player.home), start)
    except Refused as refused:
        if refused.code not in ("decision-waits", "level-closed", "no-open-slot", "slot-reserved"):
            raise
        return None


def _tried(source: Study) -> Study:
    """The study itself, also where one of its rehearsals is tried again."""
    tried = Rehearsal.objects.filter(study=source).select_related("source").first()
    return tried.source if tried else source


def _free_key(source: Study) -> str:
    """The study's key with -TRY1, -TRY2 …, shortened where it grew too long."""
    base, number = _tried(source).key, 1
    while True:
        ending = f"-TRY{number}"
        key = base[: LONGEST_KEY - len(ending)].rstrip("-") + ending
        if not Study.objects.filter(key=key).exists():
            return key
        number += 1
