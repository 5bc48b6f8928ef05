"""The API of adverse events, DLT judgements and the DLT window: the pages' operations, refusals as 409."""

from functools import cached_property
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from patients.models import AdverseEvent, Attribution, DltAssessment, Patient, WindowAssessment
from patients.operations import (
    assess_dlt,
    assess_window,
    correct_adverse_event,
    correct_window_assessment,
    record_adverse_event,
    resolve_adverse_event,
)
from patients.queries import events_with_judgements
from trials.api import STUDY_PREFIX, StudyScoped
from trials.permissions import visible_sites

PATIENT_PREFIX = rf"{STUDY_PREFIX}/patients/(?P<patient_code>[-\w]+)"


class DltAssessmentSerializer(serializers.ModelSerializer[DltAssessment]):
    """A judgement; the newest one of an event stands."""

    patient = serializers.CharField(source="patient.code", read_only=True)
    event = serializers.IntegerField(source="event_id", read_only=True)
    assessed_by = serializers.CharField(source="assessed_by.full_name", read_only=True)

    class Meta:
        model = DltAssessment
        fields = ["id", "patient", "event", "is_dlt", "rule", "rationale", "confirmed", "assessed_at", "assessed_by"]


class EventSerializer(serializers.ModelSerializer[AdverseEvent]):
    patient = serializers.CharField(source="patient.code", read_only=True)
    relations = serializers.SerializerMethodField(help_text="agent → relation")
    dlt_assessments = serializers.SerializerMethodField()

    class Meta:
        model = AdverseEvent
        fields = [
            "id",
            "patient",
            "term",
            "detail",
            "grade",
            "onset_on",
            "resolved_on",
            "serious",
            "relations",
            "dlt_assessments",
            "recorded_at",
        ]

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_relations(self, event: AdverseEvent) -> dict[str, str]:
        return {a.agent: a.relation for a in event.attributions.all()}

    @extend_schema_field(DltAssessmentSerializer(many=True))
    def get_dlt_assessments(self, event: AdverseEvent) -> Any:
        judgements = list(event.dlt_assessments.all())
        for judgement in judgements:
            judgement.patient = event.patient
        return DltAssessmentSerializer(judgements, many=True).data


class EventEntrySerializer(serializers.Serializer[Any]):
    term = serializers.CharField(max_length=200, help_text="of CTCAE v5.0")
    detail = serializers.CharField(max_length=300, required=False, allow_blank=True, help_text="for 'Other, specify'")
    grade = serializers.IntegerField(min_value=1, max_value=5)
    onset_on = serializers.DateField()
    resolved_on = serializers.DateField(required=False, allow_null=True)
    serious = serializers.BooleanField(required=False)
    relations = serializers.DictField(
        child=serializers.ChoiceField(choices=Attribution.Relation.choices),
        help_text="agent → relation, for every agent of the protocol",
    )


class NewEventSerializer(EventEntrySerializer):
    is_dlt = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="judge it in the same transaction"
    )
    rationale = serializers.CharField(required=False, allow_blank=True, default="")


class CorrectionSerializer(EventEntrySerializer):
    """Only what changes, and why. relations: those that change."""

    reason = serializers.CharField(allow_blank=True)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, field in self.fields.items():
            field.required = name == "reason"


class ResolutionSerializer(serializers.Serializer[Any]):
    resolved_on = serializers.DateField()


class JudgementSerializer(serializers.Serializer[Any]):
    is_dlt = serializers.BooleanField()
    rationale = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="needed for 'not a DLT' where a rule fires"
    )


class WindowSerializer(serializers.ModelSerializer[WindowAssessment]):
    class Meta:
        model = WindowAssessment
        fields = ["closed_on", "planned", "taken", "assessed_at"]


class WindowEntrySerializer(serializers.Serializer[Any]):
    taken = serializers.IntegerField(min_value=0, help_text="planned doses that were taken in the DLT window")
    reason = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="needed to change what is recorded"
    )


class EventFilter(django_filters.FilterSet):
    patient = django_filters.CharFilter(field_name="patient__code")
    minimum_grade = django_filters.NumberFilter(field_name="grade", lookup_expr="gte")

    class Meta:
        model = AdverseEvent
        fields = ["patient", "minimum_grade", "serious"]


class EventViewSet(ListModelMixin, RetrieveModelMixin, StudyScoped):
    """The adverse events of the client's sites, with every DLT judgement on them."""

    serializer_class = EventSerializer
    queryset = AdverseEvent.objects.none()
    lookup_value_regex = r"\d+"
    filterset_class = EventFilter

    def get_queryset(self) -> QuerySet[AdverseEvent]:
        if self.is_schema:
            return AdverseEvent.objects.none()
        seen = Patient.objects.filter(self.sites, study=self.study)
        return events_with_judgements().select_related("patient__site", "study").filter(patient__in=seen)

    def _answer(self, event_id: int, code: int = status.HTTP_200_OK) -> Response:
        """The event as it is now, after a write."""
        return Response(EventSerializer(self.get_queryset().get(pk=event_id)).data, status=code)

    @extend_schema(request=CorrectionSerializer, responses={200: EventSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def correct(self, request: Request, **kwargs: Any) -> Response:
        """Correct what is recorded; the old values stay in the history."""
        given = _given(CorrectionSerializer, request)
        reason, event = given.pop("reason"), self.get_object()
        correct_adverse_event(event=event, changes=given, reason=reason, by=self.client, at=self.now)
        return self._answer(event.pk)

    @extend_schema(request=ResolutionSerializer, responses={200: EventSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def resolve(self, request: Request, **kwargs: Any) -> Response:
        """Record the day on which the event had resolved."""
        event = self.get_object()
        resolve_adverse_event(event=event, by=self.client, at=self.now, **_given(ResolutionSerializer, request))
        return self._answer(event.pk)

    @extend_schema(request=JudgementSerializer, responses={201: EventSerializer})
    @action(detail=True, methods=["post"], url_path="dlt-assessments", filterset_class=None)
    def judge(self, request: Request, **kwargs: Any) -> Response:
        """Judge whether the event is a DLT. The judgement is appended; 'DLT' counts at once."""
        event = self.get_object()
        assess_dlt(event=event, by=self.client, at=self.now, **_given(JudgementSerializer, request))
        return self._answer(event.pk, status.HTTP_201_CREATED)


class PatientScoped(StudyScoped):
    """Views below a patient: 404 for a patient of another site."""

    @cached_property
    def patient(self) -> Patient:
        seen = Patient.objects.with_plan().filter(self.sites, study=self.study)
        return get_object_or_404(seen, code=self.kwargs["patient_code"])


class PatientEventViewSet(ListModelMixin, PatientScoped):
    """The adverse events of one patient."""

    serializer_class = EventSerializer
    queryset = AdverseEvent.objects.none()

    def get_queryset(self) -> QuerySet[AdverseEvent]:
        if self.is_schema:
            return AdverseEvent.objects.none()
        return events_with_judgements().select_related("patient").filter(patient=self.patient)

    @extend_schema(request=NewEventSerializer, responses={201: EventSerializer})
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Record an adverse event, and with `is_dlt` judge it in the same transaction."""
        event = record_adverse_event(
            patient=self.patient, by=self.client, at=self.now, **_given(NewEventSerializer, request)
        )
        return Response(EventSerializer(self.get_queryset().get(pk=event.pk)).data, status=status.HTTP_201_CREATED)


class WindowViewSet(ListModelMixin, PatientScoped):
    """The doses taken in a patient's DLT window; empty until they are entered."""

    serializer_class = WindowSerializer
    queryset = WindowAssessment.objects.none()

    def get_queryset(self) -> QuerySet[WindowAssessment]:
        if self.is_schema:
            return WindowAssessment.objects.none()
        return WindowAssessment.objects.filter(patient=self.patient)

    @extend_schema(request=WindowEntrySerializer, responses={201: WindowSerializer})
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Enter the doses taken in the window, or correct them with a reason."""
        given = _given(WindowEntrySerializer, request)
        taken, reason = given["taken"], given["reason"]
        made = self.get_queryset().select_related("patient__site", "study").first()
        if made is None or not reason:
            made = assess_window(patient=self.patient, taken=taken, by=self.client, at=self.now)
        else:
            made = correct_window_assessment(assessment=made, taken=taken, reason=reason, by=self.client, at=self.now)
        return Response(WindowSerializer(made).data, status=status.HTTP_201_CREATED)


class DltAssessmentViewSet(ListModelMixin, RetrieveModelMixin, StudyScoped):
    """Every DLT judgement at the client's sites, in the order in which they were made."""

    serializer_class = DltAssessmentSerializer
    queryset = DltAssessment.objects.none()

    def get_queryset(self) -> QuerySet[DltAssessment]:
        if self.is_schema:
            return DltAssessment.objects.none()
        seen = Patient.objects.filter(visible_sites(self.client, self.study), study=self.study)
        return DltAssessment.objects.select_related("patient", "assessed_by").filter(patient__in=seen)


def register_events(router: BaseRouter) -> None:
    """Adverse events and DLT judgements."""
    router.register(f"{STUDY_PREFIX}/events", EventViewSet, basename="event")
    router.register(f"{STUDY_PREFIX}/dlt-assessments", DltAssessmentViewSet, basename="dlt-assessment")
    router.register(f"{PATIENT_PREFIX}/events", PatientEventViewSet, basename="patient-event")
    router.register(f"{PATIENT_PREFIX}/dlt-window", WindowViewSet, basename="patient-dlt-window")


def _given(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """What the client sent, validated."""
    sent = serializer(data=request.data)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)
