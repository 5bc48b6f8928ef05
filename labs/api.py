"""The API of samples: what is due, what was collected or missed; collect and miss. The same operations as the pages."""

from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from labs.labels import label_code
from labs.models import Collection, Tube
from labs.operations import collect_sample, miss_sample
from labs.queries import PatientSample, samples_at_sites
from labs.schedule import SampleState
from patients.models import Patient
from trials.api import STUDY_PREFIX, StudyScoped


class TubeSerializer(serializers.ModelSerializer[Tube]):
    class Meta:
        model = Tube
        fields = ["kind", "label", "collected"]


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    patient = serializers.SlugRelatedField[Any]("code", read_only=True)
    tubes = TubeSerializer(many=True, read_only=True)

    class Meta:
        model = Collection
        fields = [
            "id",
            "patient",
            "timepoint",
            "outcome",
            "planned_on",
            "window_from",
            "window_to",
            "collected_on",
            "out_of_window_reason",
            "missed_reason",
            "tubes",
            "recorded_at",
        ]


class NewCollectionSerializer(serializers.Serializer[Any]):
    """A sample that was collected, or missed. Which fields are wanted follows from `outcome`."""

    patient = serializers.CharField(help_text="the patient's code")
    timepoint = serializers.CharField(help_text="code of the protocol's sample time point")
    outcome = serializers.ChoiceField(choices=Collection.Outcome.choices)
    collected_on = serializers.DateField(required=False, help_text="for a collected one")
    tubes = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="codes of the tubes that were filled"
    )
    out_of_window_reason = serializers.CharField(required=False, default="", allow_blank=True)
    missed_reason = serializers.CharField(required=False, default="", allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["outcome"] == Collection.Outcome.COLLECTED and "collected_on" not in attrs:
            raise serializers.ValidationError({"collected_on": ["A collected sample has the day of its collection."]})
        return attrs


class PlannedTubeSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    volume_ml = serializers.DecimalField(max_digits=6, decimal_places=2)
    colour = serializers.CharField()
    additive = serializers.CharField()
    purpose = serializers.CharField()
    label_code = serializers.CharField(help_text="what stands on the label and in its QR code")


class SampleSerializer(serializers.Serializer[Any]):
    """One time point of a patient's sample schedule, as planned today."""

    patient = serializers.CharField(source="patient.code")
    site = serializers.CharField(source="patient.site.code")
    timepoint = serializers.CharField(source="due.code")
    timepoint_title = serializers.CharField(source="due.title")
    planned_on = serializers.DateField(source="due.planned_on")
    window_from = serializers.DateField(source="due.window_from")
    window_to = serializers.DateField(source="due.window_to")
    firm = serializers.BooleanField(source="due.firm", help_text="False: expected, may still move")
    state = serializers.ChoiceField(choices=[state.value for state in SampleState])
    tubes = serializers.SerializerMethodField()

    @extend_schema_field(PlannedTubeSerializer(many=True))
    def get_tubes(self, sample: PatientSample) -> Any:
        return [
            {
                "code": tube.code,
                "volume_ml": f"{tube.volume_ml:f}",
                "colour": tube.colour,
                "additive": tube.additive,
                "purpose": tube.purpose,
                "label_code": label_code(sample.patient, sample.due.timepoint, tube),
            }
            for tube in sample.due.tubes
        ]


class SampleViewSet(StudyScoped):
    """The sample schedule of every registered patient that the client may see, moved by what happened. Derived anew
    each time it is asked for, so it comes whole."""

    serializer_class = SampleSerializer
    pagination_class = None
    filter_backends: list[Any] = []

    @extend_schema(
        parameters=[
            OpenApiParameter("state", str, enum=[state.value for state in SampleState], description="only these"),
            OpenApiParameter("patient", str, description="only this patient's, by code"),
        ],
        responses=SampleSerializer(many=True),
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = samples_at_sites(self.study, self.client, self.now)
        state, patient = request.query_params.get("state"), request.query_params.get("patient")
        if state is not None and state not in list(SampleState):
            allowed = ", ".join(SampleState)
            raise serializers.ValidationError(
                {"state": [f"{state!r} is no state of a sample; it is one of {allowed}."]}
            )
        wanted = [s for s in found if state in (None, s.state.value) and patient in (None, s.patient.code)]
        return Response({"results": SampleSerializer(wanted, many=True).data})


class CollectionViewSet(ListModelMixin, RetrieveModelMixin, StudyScoped):
    """What was recorded about samples; recording a collection or that a sample was missed."""

    serializer_class = CollectionSerializer
    queryset = Collection.objects.none()

    def get_queryset(self) -> QuerySet[Collection]:
        if self.is_schema:
            return Collection.objects.none()
        seen = Patient.objects.filter(self.sites, study=self.study)
        return Collection.objects.filter(Q(patient__in=seen)).select_related("patient").prefetch_related("tubes")

    @extend_schema(request=NewCollectionSerializer, responses={201: CollectionSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = NewCollectionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        patient = get_object_or_404(
            Patient.objects.filter(self.sites, study=self.study).select_related("study", "site"),
            code=asked.validated_data["patient"],
        )
        collection = self._record(patient, asked.validated_data)
        return Response(CollectionSerializer(collection).data, status=201)

    def _record(self, patient: Patient, given: dict[str, Any]) -> Collection:
        if given["outcome"] == Collection.Outcome.MISSED:
            return miss_sample(
                patient=patient,
                timepoint=given["timepoint"],
                reason=given["missed_reason"],
                by=self.client,
                at=self.now,
            )
        return collect_sample(
            patient=patient,
            timepoint=given["timepoint"],
            collected_on=given["collected_on"],
            tubes=given.get("tubes", []),
            out_of_window_reason=given["out_of_window_reason"],
            by=self.client,
            at=self.now,
        )


def register(router: BaseRouter) -> None:
    router.register(f"{STUDY_PREFIX}/samples", SampleViewSet, basename="sample")
    router.register(f"{STUDY_PREFIX}/collections", CollectionViewSet, basename="collection")
