"""The API of patients: the same operations as the pages, the same refusals as 409."""

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

from patients import schedule
from patients.activity_api import register_activities
from patients.dose_api import register_doses
from patients.event_api import register_events
from patients.models import Consent, Cycle, DosesTaken, EligibilityCheck, Patient
from patients.operations import (
    check_eligibility,
    record_consent,
    record_cycle_doses,
    register_patient,
    screen_patient,
    start_cycle,
)
from patients.schedule import PlannedCycle
from trials.api import STUDY_PREFIX, StudyScoped


class DatedDoseSerializer(serializers.Serializer[Any]):
    """One agent of a cycle with the days on which it is given."""

    agent = serializers.CharField()
    name = serializers.CharField()
    amount = serializers.CharField(help_text="with its unit")
    route = serializers.CharField()
    days = serializers.CharField(help_text="days of the cycle, in words")
    on = serializers.ListField(child=serializers.DateField())


class PlannedCycleSerializer(serializers.Serializer[Any]):
    """The cycle to start next, with what is given in it."""

    number = serializers.IntegerField()
    due_on = serializers.DateField()
    latest_on = serializers.DateField(help_text="a later start is refused")
    dose_label = serializers.CharField(source="label")
    doses = DatedDoseSerializer(many=True)


class DosesTakenSerializer(serializers.ModelSerializer[DosesTaken]):
    class Meta:
        model = DosesTaken
        fields = ["agent", "planned", "taken"]


class CycleSerializer(serializers.ModelSerializer[Cycle]):
    doses = DosesTakenSerializer(source="doses_taken", many=True, read_only=True)

    class Meta:
        model = Cycle
        fields = ["number", "due_on", "latest_on", "started_on", "dose_label", "doses"]


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    class Meta:
        model = Consent
        fields = ["signed_on", "form_version"]


class EligibilitySerializer(serializers.ModelSerializer[EligibilityCheck]):
    class Meta:
        model = EligibilityCheck
        fields = ["answers", "eligible", "checked_on"]
        read_only_fields = ["eligible"]


class FollowedVersionSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="of the protocol version")
    from_day = serializers.DateField(allow_null=True, help_text="null: from registration")


class PatientSerializer(serializers.ModelSerializer[Patient]):
    site = serializers.CharField(source="site.code", read_only=True)
    part = serializers.CharField(source="part.kind", read_only=True, allow_null=True, default=None)
    level = serializers.IntegerField(
        source="assigned_level.ordinal", read_only=True, allow_null=True, default=None, help_text="assigned for good"
    )
    consent = serializers.SerializerMethodField()
    eligible = serializers.SerializerMethodField()
    treatment_ended_on = serializers.SerializerMethodField()
    next_cycle = serializers.SerializerMethodField()
    protocol_versions = serializers.SerializerMethodField()

    class Meta:
        model = Patient
        fields = [
            "code",
            "site",
            "status",
            "screened_on",
            "consent",
            "eligible",
            "registered_at",
            "part",
            "level",
            "planned_start",
            "treatment_ended_on",
            "next_cycle",
            "protocol_versions",
        ]

    @extend_schema_field(ConsentSerializer(allow_null=True))
    def get_consent(self, patient: Patient) -> Any:
        consent = getattr(patient, "consent", None)
        return ConsentSerializer(consent).data if consent else None

    def get_eligible(self, patient: Patient) -> bool | None:
        check = getattr(patient, "eligibility", None)
        return check.eligible if check else None

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_treatment_ended_on(self, patient: Patient) -> Any:
        return schedule.treatment_ended_on(patient)

    @extend_schema_field(PlannedCycleSerializer(allow_null=True))
    def get_next_cycle(self, patient: Patient) -> Any:
        planned: PlannedCycle | None = schedule.next_cycle(patient, list(patient.cycles.all()))
        return PlannedCycleSerializer(planned).data if planned else None

    @extend_schema_field(FollowedVersionSerializer(many=True))
    def get_protocol_versions(self, patient: Patient) -> Any:
        """What the patient follows one after the other; nothing before registration."""
        if patient.version is None:
            return []
        followed = [
            {"number": version.number, "from_day": from_day if place else None}
            for place, (from_day, version) in enumerate(schedule.versions_of(patient))
        ]
        return FollowedVersionSerializer(followed, many=True).data


class ScreeningSerializer(serializers.Serializer[Any]):
    site = serializers.CharField(help_text="the site's code")
    screened_on = serializers.DateField()


class ConsentEntrySerializer(ConsentSerializer):
    reason = serializers.CharField(required=False, default="", help_text="needed to change what is recorded")

    class Meta(ConsentSerializer.Meta):
        fields = [*ConsentSerializer.Meta.fields, "reason"]


class EligibilityEntrySerializer(serializers.Serializer[Any]):
    answers = serializers.DictField(
        child=serializers.BooleanField(), help_text="criterion code → met; an exclusion is met when it does not apply"
    )
    checked_on = serializers.DateField()
    reason = serializers.CharField(required=False, default="", help_text="needed to change what is recorded")


class RegistrationSerializer(serializers.Serializer[Any]):
    planned_start = serializers.DateField(help_text="first day of treatment")


class CycleStartSerializer(serializers.Serializer[Any]):
    started_on = serializers.DateField()


class DosesEntrySerializer(serializers.Serializer[Any]):
    taken = serializers.DictField(
        child=serializers.IntegerField(min_value=0), allow_empty=False, help_text="agent → doses taken in the cycle"
    )
    reason = serializers.CharField(required=False, default="", help_text="needed to change what is recorded")


class PatientFilter(django_filters.FilterSet):
    site = django_filters.CharFilter(field_name="site__code")
    status = django_filters.ChoiceFilter(choices=Patient.Status.choices)

    class Meta:
        model = Patient
        fields = ["site", "status"]


class PatientViewSet(ListModelMixin, RetrieveModelMixin, StudyScoped):
    """The patients of the client's sites, by code."""

    serializer_class = PatientSerializer
    queryset = Patient.objects.none()
    lookup_field = "code"
    lookup_value_regex = r"[-\w]+"
    filterset_class = PatientFilter

    def get_queryset(self) -> QuerySet[Patient]:
        if self.is_schema:
            return Patient.objects.none()
        return Patient.objects.with_plan().filter(self.sites, study=self.study)

    def _given(self, serializer: type[serializers.BaseSerializer[Any]]) -> dict[str, Any]:
        """What the client sent, validated."""
        sent = serializer(data=self.request.data)
        sent.is_valid(raise_exception=True)
        return dict(sent.validated_data)

    def _patient(self) -> Response:
        """The patient as it is now, after a write."""
        patient = self.get_queryset().get(code=self.kwargs["code"])
        return Response(PatientSerializer(patient).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ScreeningSerializer, responses={201: PatientSerializer})
    def create(self, request: Request, study_key: str) -> Response:
        """Take a patient into screening."""
        given = self._given(ScreeningSerializer)
        site = self.study.sites.filter(code=given["site"]).first()
        if site is None:
            raise serializers.ValidationError({"site": [f"{given['site']!r} is not a site of {self.study.key}."]})
        patient = screen_patient(
            study=self.study, site=site, screened_on=given["screened_on"], by=self.client, at=self.now
        )
        self.kwargs["code"] = patient.code
        return self._patient()

    @extend_schema(request=ConsentEntrySerializer, responses={201: PatientSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def consent(self, request: Request, **kwargs: Any) -> Response:
        """Record the consent."""
        given = self._given(ConsentEntrySerializer)
        record_consent(patient=self.get_object(), by=self.client, at=self.now, **given)
        return self._patient()

    @extend_schema(request=EligibilityEntrySerializer, responses={201: PatientSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def eligibility(self, request: Request, **kwargs: Any) -> Response:
        """Record the answer to every criterion."""
        given = self._given(EligibilityEntrySerializer)
        check_eligibility(patient=self.get_object(), by=self.client, at=self.now, **given)
        return self._patient()

    @extend_schema(request=RegistrationSerializer, responses={201: PatientSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def register(self, request: Request, **kwargs: Any) -> Response:
        """Register the patient: take a slot and get its dose level. The answer holds the regimen with its dates."""
        given = self._given(RegistrationSerializer)
        register_patient(patient=self.get_object(), by=self.client, at=self.now, **given)
        return self._patient()


class CycleViewSet(ListModelMixin, RetrieveModelMixin, StudyScoped):
    """The started cycles of a patient, with the doses taken in them."""

    serializer_class = CycleSerializer
    queryset = Cycle.objects.none()
    lookup_field = "number"
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[Cycle]:
        if self.is_schema:
            return Cycle.objects.none()
        return Cycle.objects.filter(patient=self.patient).prefetch_related("doses_taken")

    @cached_property
    def patient(self) -> Patient:
        seen = Patient.objects.with_plan().filter(self.sites, study=self.study)
        return get_object_or_404(seen, code=self.kwargs["patient_code"])

    @extend_schema(request=CycleStartSerializer, responses={201: CycleSerializer})
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Record that the next cycle has started."""
        sent = CycleStartSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        cycle = start_cycle(patient=self.patient, by=self.client, at=self.now, **sent.validated_data)
        return Response(CycleSerializer(cycle).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=DosesEntrySerializer, responses={201: CycleSerializer})
    @action(detail=True, methods=["post"])
    def doses(self, request: Request, **kwargs: Any) -> Response:
        """Record the doses taken in the cycle."""
        sent = DosesEntrySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        cycle = self.get_object()
        record_cycle_doses(cycle=cycle, by=self.client, at=self.now, **sent.validated_data)
        recorded = Cycle.objects.prefetch_related("doses_taken").get(pk=cycle.pk)
        return Response(CycleSerializer(recorded).data, status=status.HTTP_201_CREATED)


def register(router: BaseRouter) -> None:
    router.register(f"{STUDY_PREFIX}/patients", PatientViewSet, basename="patient")
    router.register(rf"{STUDY_PREFIX}/patients/(?P<patient_code>[-\w]+)/cycles", CycleViewSet, basename="patient-cycle")
    register_activities(router)
    register_events(router)
    register_doses(router)
