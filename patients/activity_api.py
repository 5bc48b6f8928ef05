"""The API of activities: what is due, what was done or missed; record it. The pages' operations, refusals as 409."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from patients.activities import ActivityState, DueActivity, Which, due_activities
from patients.models import ActivityRecord, Patient
from patients.operations import miss_activities, record_activities
from trials.api import STUDY_PREFIX, StudyScoped
from trials.clock import day_of


class ActivityRecordSerializer(serializers.ModelSerializer[ActivityRecord]):
    patient = serializers.SlugRelatedField[Any]("code", read_only=True)

    class Meta:
        model = ActivityRecord
        fields = [
            "id",
            "patient",
            "activity",
            "timepoint",
            "cycle",
            "outcome",
            "planned_on",
            "window_from",
            "window_to",
            "done_on",
            "out_of_window_reason",
            "missed_reason",
            "recorded_at",
        ]


class NewActivitySerializer(serializers.Serializer[Any]):
    """An activity that was done, or missed. Which fields are wanted follows from `outcome`."""

    patient = serializers.CharField(help_text="the patient's code")
    activity = serializers.CharField(help_text="code of the protocol's activity; 'visits' for a visit")
    timepoint = serializers.CharField(help_text="code of its time point")
    cycle = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, help_text="where it comes back every cycle"
    )
    outcome = serializers.ChoiceField(choices=ActivityRecord.Outcome.choices)
    done_on = serializers.DateField(required=False, help_text="for one that was done")
    out_of_window_reason = serializers.CharField(required=False, default="", allow_blank=True)
    missed_reason = serializers.CharField(required=False, default="", allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["outcome"] == ActivityRecord.Outcome.DONE and "done_on" not in attrs:
            raise serializers.ValidationError({"done_on": ["What was done has its day."]})
        return attrs


@dataclass(frozen=True)
class PatientActivity:
    """An activity of the schedule with the patient it belongs to."""

    patient: Patient
    due: DueActivity


class ActivitySerializer(serializers.Serializer[Any]):
    """One activity of a patient's schedule, as planned today."""

    patient = serializers.CharField(source="patient.code")
    site = serializers.CharField(source="patient.site.code")
    activity = serializers.CharField(source="due.activity.code")
    timepoint = serializers.CharField(source="due.timepoint.code")
    cycle = serializers.IntegerField(source="due.cycle", allow_null=True)
    title = serializers.CharField(source="due.title")
    kind = serializers.CharField(source="due.activity.kind")
    planned_on = serializers.DateField(source="due.planned_on")
    window_from = serializers.DateField(source="due.window_from")
    window_to = serializers.DateField(source="due.window_to")
    firm = serializers.BooleanField(source="due.firm", help_text="False: expected, may still move")
    state = serializers.ChoiceField(source="due.state", choices=[state.value for state in ActivityState])


class ActivityViewSet(StudyScoped):
    """The activities of every registered patient that the client may see, moved by what happened. Derived anew each
    time it is asked for, so it comes whole."""

    serializer_class = ActivitySerializer
    pagination_class = None
    filter_backends: list[Any] = []

    @extend_schema(
        parameters=[
            OpenApiParameter("state", str, enum=[state.value for state in ActivityState], description="only these"),
            OpenApiParameter("patient", str, description="only this patient's, by code"),
        ],
        responses=ActivitySerializer(many=True),
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        state, code = request.query_params.get("state"), request.query_params.get("patient")
        if state is not None and state not in list(ActivityState):
            allowed = ", ".join(ActivityState)
            raise serializers.ValidationError(
                {"state": [f"{state!r} is no state of an activity; it is one of {allowed}."]}
            )
        seen = Patient.objects.with_plan().registered().filter(self.sites, study=self.study)
        patients = seen.prefetch_related("activities").order_by("code")
        if code is not None:
            patients = patients.filter(code=code)
        found = [PatientActivity(p, due) for p in patients for due in self._of(p) if state in (None, due.state.value)]
        found.sort(key=lambda one: (one.due.planned_on, one.patient.code))
        return Response({"results": ActivitySerializer(found, many=True).data})

    def _of(self, patient: Patient) -> Sequence[DueActivity]:
        today = day_of(self.now, patient.site.time_zone)
        return due_activities(patient, list(patient.cycles.all()), patient.activities.all(), today)


class ActivityRecordViewSet(ListModelMixin, RetrieveModelMixin, StudyScoped):
    """What was recorded about activities; recording that one was done or missed."""

    serializer_class = ActivityRecordSerializer
    queryset = ActivityRecord.objects.none()

    def get_queryset(self) -> QuerySet[ActivityRecord]:
        if self.is_schema:
            return ActivityRecord.objects.none()
        seen = Patient.objects.filter(self.sites, study=self.study)
        return ActivityRecord.objects.filter(patient__in=seen).select_related("patient")

    @extend_schema(request=NewActivitySerializer, responses={201: ActivityRecordSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        sent = NewActivitySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        patient = get_object_or_404(
            Patient.objects.filter(self.sites, study=self.study).select_related("study", "site"), code=given["patient"]
        )
        which = [Which(given["activity"], given["timepoint"], given["cycle"])]
        if given["outcome"] == ActivityRecord.Outcome.MISSED:
            reason = given["missed_reason"]
            [record] = miss_activities(patient=patient, which=which, reason=reason, by=self.client, at=self.now)
        else:
            [record] = record_activities(
                patient=patient,
                which=which,
                done_on=given["done_on"],
                out_of_window_reason=given["out_of_window_reason"],
                by=self.client,
                at=self.now,
            )
        return Response(ActivityRecordSerializer(record).data, status=status.HTTP_201_CREATED)


def register_activities(router: BaseRouter) -> None:
    router.register(f"{STUDY_PREFIX}/activities", ActivityViewSet, basename="activity")
    router.register(f"{STUDY_PREFIX}/activity-records", ActivityRecordViewSet, basename="activity-record")
