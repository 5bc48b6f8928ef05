"""Labels of tubes: a code that names study, patient, time point and tube, as text and as a QR code. Never a name.

The code is worked out, so that labels can be printed before the blood is drawn.
"""

import datetime as dt
import io
from dataclasses import dataclass

import segno

from labs.schedule import DueCollection
from patients.models import Patient
from patients.schedule import versions_of
from trials.protocol import AnchorKind, Samples, Timepoint, Tube

ERROR_CORRECTION = "q"  # a quarter of a wet or creased label can be lost
QUIET_ZONE = 4  # modules, as ISO/IEC 18004 asks


@dataclass(frozen=True)
class Label:
    """What stands on the label of one tube. `qr` is an inline SVG whose content is `code`."""

    code: str
    study: str
    patient: str
    timepoint: str
    tube: str
    colour: str
    purpose: str
    collected_on: dt.date | None
    qr: str


def timepoint_mark(samples: Samples, timepoint: Timepoint) -> str:
    """PRE for pre-treatment, C02 for after cycle 2, S02 for the start of cycle 2; else the time point's own code.

    The short mark is taken only where no other time point of the schedule has the same one, so that labels differ.
    """
    short = _short_mark(timepoint)
    alike = [other for other in samples.timepoints if _short_mark(other) == short]
    return short if len(alike) == 1 else timepoint.code.upper()


def _short_mark(timepoint: Timepoint) -> str:
    if timepoint.anchor is AnchorKind.PRE_TREATMENT:
        return "PRE"
    letter = "C" if timepoint.anchor is AnchorKind.CYCLE_END else "S"
    return f"{letter}{timepoint.cycle or 0:02d}"


def label_code(patient: Patient, timepoint: Timepoint, tube: Tube) -> str:
    """For example LEN-MAG-01.A-001.C02.EDTA, unique across studies. Raises ValueError before registration."""
    if patient.version is None:
        raise ValueError(f"{patient.code} has no sample schedule: not registered")
    parts = (patient.study.key, patient.code, _mark(patient, timepoint), tube.code)
    return ".".join(parts).upper()


def _mark(patient: Patient, timepoint: Timepoint) -> str:
    """The mark by the first version that has the time point so; no time point added later takes or changes it."""
    short, taken = _short_mark(timepoint), set[str]()
    for _, version in versions_of(patient):
        samples = version.protocol.samples
        alike = {t.code for t in samples.timepoints if _short_mark(t) == short} if samples else set()
        if samples and timepoint.code in alike:
            return timepoint_mark(samples, timepoint) if taken <= {timepoint.code} else timepoint.code.upper()
        taken |= alike
    raise ValueError(f"timepoint: no protocol of {patient.code} has {timepoint.code}")


def tube_words(tube: Tube) -> str:
    """'10 ml purple EDTA', '6 ml red'."""
    amount = f"{tube.volume_ml.normalize():f} ml {tube.colour}"
    return f"{amount} {tube.additive}".strip()


def labels_of(patient: Patient, due: DueCollection) -> list[Label]:
    """One label for each tube of a time point."""
    day = due.collection.collected_on if due.collection else None
    return [_label(patient, due, tube, day) for tube in due.tubes]


def _label(patient: Patient, due: DueCollection, tube: Tube, collected_on: dt.date | None) -> Label:
    code = label_code(patient, due.timepoint, tube)
    return Label(
        code=code,
        study=patient.study.key,
        patient=patient.code,
        timepoint=due.title,
        tube=tube_words(tube),
        colour=tube.colour,
        purpose=tube.purpose,
        collected_on=collected_on,
        qr=qr_svg(code),
    )


def qr_svg(code: str) -> str:
    """The code as an inline SVG, black on white in every theme, without a size of its own."""
    out = io.BytesIO()
    segno.make_qr(code, error=ERROR_CORRECTION, boost_error=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        omitsize=True,
        nl=False,
        border=QUIET_ZONE,
        dark="#000",
        light="#fff",
        title=f"QR code of {code}",
    )
    return out.getvalue().decode()
