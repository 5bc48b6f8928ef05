"""The API of height, weight and infusions: the same operations as the pages, the same refusals as 409."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from patients.event_api import PATIENT_PREFIX, PatientScoped
from patients.infusions import planned_infusions, to_give
from patients.models import Administration, BodyMeasurement
from patients.operations import (
    correct_administration,
    correct_measurement,
    record_administration,
    record_measurement,
    record_not_given,
)
from patients.queries import load_doses

Outcome = Administration.Outcome


class MeasurementSerializer(serializers.ModelSerializer[BodyMeasurement]):
    """Height in cm and weight in kg, to one decimal."""

    class Meta:
        model = BodyMeasurement
        fields = ["id", "measured_on", "height_cm", "weight_kg"]


class MeasurementCorrectionSerializer(MeasurementSerializer):
    reason = serializers.CharField()

    class Meta(MeasurementSerializer.Meta):
        fields = [*MeasurementSerializer.Meta.fields, "reason"]


class AdministrationSerializer(serializers.ModelSerializer[Administration]):
    """One planned infusion with what became of it; amounts are in `unit`."""

    cycle = serializers.IntegerField(source="cycle.number", read_only=True)
    calculation = serializers.CharField(source="calculation.words", default="", help_text="of the dose to give")

    class Meta:
        model = Administration
        fields = [
            "id",
            "agent",
            "cycle",
            "day",
            "outcome",
            "given_on",
            "given_amount",
            "amount_to_give",
            "unit",
            "is_loading",
            "calculation",
            "reason",
        ]


class PlannedInfusionSerializer(serializers.Serializer[Any]):
    """A planned infusion of which nothing is recorded yet, with the dose to give on its planned day."""

    agent = serializers.CharField()
    cycle = serializers.IntegerField()
    day = serializers.IntegerField(help_text="counted from the cycle's first, which is 1")
    planned_on = serializers.DateField()
    window_from = serializers.DateField()
    window_to = serializers.DateField()
    amount = serializers.DecimalField(
        max_digits=10, decimal_places=3, allow_null=True, help_text="null where height and weight are missing"
    )
    unit = serializers.CharField()
    is_loading = serializers.BooleanField()
    calculation = serializers.CharField()
    caution = serializers.CharField()


class AdministrationEntrySerializer(serializers.Serializer[Any]):
    """given_on and given_amount go with `given`; without them, the reason says why it was not given."""

    agent = serializers.CharField()
    planned_on = serializers.DateField()
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    given_on = serializers.DateField(required=False, allow_null=True, default=None)
    given_amount = serializers.DecimalField(
        max_digits=10, decimal_places=3, required=False, allow_null=True, default=None
    )
    reason = serializers.CharField(required=False, default="", allow_blank=True, help_text="of a deviation")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = attrs["outcome"] == Outcome.GIVEN
        for name in ("given_on", "given_amount"):
            if given and attrs[name] is None:
                raise serializers.ValidationError({name: ["Required where it was given."]})
            if not given and attrs[name] is not None:
                raise serializers.ValidationError({name: ["Leave out where it was not given."]})
        return attrs


class AdministrationCorrectionSerializer(AdministrationEntrySerializer):
    agent = None  # type: ignore[assignment]
    planned_on = None  # type: ignore[assignment]
    why = serializers.CharField(required=False, default="", allow_blank=True, help_text="of a deviation")
    reason = serializers.CharField(help_text="of the correction")


class MeasurementViewSet(ListModelMixin, RetrieveModelMixin, PatientScoped):
    """A patient's height and weight."""

    serializer_class = MeasurementSerializer
    queryset = BodyMeasurement.objects.none()
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[BodyMeasurement]:
        if self.is_schema:
            return BodyMeasurement.objects.none()
        return BodyMeasurement.objects.filter(patient=self.patient)

    @extend_schema(request=MeasurementSerializer, responses={201: MeasurementSerializer})
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Record height and weight of a day."""
        given = _given(MeasurementSerializer, request)
        row = record_measurement(patient=self.patient, by=self.client, at=self.now, **given)
        return Response(MeasurementSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=MeasurementCorrectionSerializer, responses={200: MeasurementSerializer})
    @action(detail=True, methods=["post"])
    def correct(self, request: Request, **kwargs: Any) -> Response:
        """Correct a measurement; the old one stays in the history."""
        given, row = _given(MeasurementCorrectionSerializer, request), self.get_object()
        row = correct_measurement(measurement=row, by=self.client, at=self.now, **given)
        return Response(MeasurementSerializer(row).data)


class AdministrationViewSet(ListModelMixin, RetrieveModelMixin, PatientScoped):
    """A patient's infusions and injections that are recorded."""

    serializer_class = AdministrationSerializer
    queryset = Administration.objects.none()
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[Administration]:
        if self.is_schema:
            return Administration.objects.none()
        return Administration.objects.filter(patient=self.patient).select_related("cycle", "patient__site", "study")

    @extend_schema(request=AdministrationEntrySerializer, responses={201: AdministrationSerializer})
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Record that a planned infusion was given, or was not."""
        given = _given(AdministrationEntrySerializer, request)
        if given.pop("outcome") == Outcome.GIVEN:
            row = record_administration(patient=self.patient, by=self.client, at=self.now, **given)
        else:
            which = {name: given[name] for name in ("agent", "planned_on", "reason")}
            row = record_not_given(patient=self.patient, by=self.client, at=self.now, **which)
        return Response(AdministrationSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=AdministrationCorrectionSerializer, responses={200: AdministrationSerializer})
    @action(detail=True, methods=["post"])
    def correct(self, request: Request, **kwargs: Any) -> Response:
        """Correct what is recorded; the old values stay in the history."""
        given, row = _given(AdministrationCorrectionSerializer, request), self.get_object()
        given.pop("outcome")
        row = correct_administration(administration=row, by=self.client, at=self.now, **given)
        return Response(AdministrationSerializer(row).data)

    @extend_schema(responses=PlannedInfusionSerializer(many=True))
    @action(detail=False, methods=["get"], pagination_class=None, filter_backends=[])
    def planned(self, request: Request, **kwargs: Any) -> Response:
        """The infusions of started cycles of which nothing is recorded, with the dose to give."""
        patient = self.patient
        load_doses(patient)
        cycles = list(patient.cycles.all())
        rows = []
        for infusion in (i for i in planned_infusions(patient, cycles) if i.open):
            dose = to_give(patient, infusion, infusion.planned_on)
            rows.append(
                {
                    "agent": dose.agent,
                    "cycle": infusion.cycle.number,
                    "day": infusion.day,
                    "planned_on": infusion.planned_on,
                    "window_from": infusion.window_from,
                    "window_to": infusion.window_to,
                    "amount": dose.amount,
                    "unit": dose.unit,
                    "is_loading": dose.is_loading,
                    "calculation": dose.words,
                    "caution": dose.caution,
                }
            )
        return Response(PlannedInfusionSerializer(rows, many=True).data)


def register_doses(router: BaseRouter) -> None:
    """Height and weight, and infusions."""
    router.register(f"{PATIENT_PREFIX}/measurements", MeasurementViewSet, basename="patient-measurement")
    router.register(f"{PATIENT_PREFIX}/administrations", AdministrationViewSet, basename="patient-administration")


def _given(serializer: type[serializers.BaseSerializer[Any]], request: Request) -> dict[str, Any]:
    """What the client sent, validated."""
    sent = serializer(data=request.data)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)
