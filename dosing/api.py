"""Recommendations and decisions over REST: to read. Signing is for people, on the page, with their password."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import SAFE_METHODS
from rest_framework.routers import BaseRouter

from accounts.manifestation import State, told, verify_stored
from accounts.models import Signature
from dosing.models import Decision, Recommendation
from dosing.queries.reader import Reader, reader_of
from dosing.queries.record import RECORD_KIND
from trials.api import STUDY_PREFIX, StudyScoped


class RecommendationSerializer(serializers.ModelSerializer[Recommendation]):
    """The engine's advice with all that it was made of. It is never changed."""

    inputs = serializers.SerializerMethodField(help_text="other sites' patients are left out; the counts are whole")
    level = serializers.IntegerField(source="level.ordinal", default=None, read_only=True)
    cohort = serializers.IntegerField(source="cohort.number", read_only=True)
    protocol_version = serializers.IntegerField(source="version.number", read_only=True)
    issued_by = serializers.CharField(source="issued_by.username", read_only=True)

    class Meta:
        model = Recommendation
        fields = [
            "number",
            "kind",
            "action",
            "level",
            "reason",
            "cohort",
            "protocol_version",
            "inputs",
            "inputs_sha256",
            "engine_version",
            "issued_at",
            "issued_by",
        ]

    def get_inputs(self, recommendation: Recommendation) -> dict[str, Any]:
        reader: Reader = self.context["reader"]
        seen = [p for p in recommendation.inputs["patients"] if reader.sees(p["patient"])]
        return {**recommendation.inputs, "patients": seen}


class StandsOnSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    hash = serializers.CharField()


class SignatureSerializer(serializers.Serializer[Any]):
    """A signature as pages and files show it: who, in which role, what it means, when; and whether it verifies."""

    printed_name = serializers.CharField()
    signer = serializers.CharField(help_text="the user name")
    role = serializers.CharField()
    meaning = serializers.ChoiceField(choices=[m.value for m in Signature.Meaning])
    statement = serializers.CharField(help_text="the sentence that stood above the button")
    statement_version = serializers.CharField()
    signed_at = serializers.DateTimeField(help_text="by the database's clock")
    time = serializers.CharField(help_text="the same in the study's zone, as it is printed")
    components_checked = serializers.ListField(child=serializers.CharField())
    record_kind = serializers.CharField()
    record_key = serializers.CharField()
    record_version = serializers.CharField()
    record_sha256 = serializers.CharField()
    stands_on = StandsOnSerializer(help_text="the newest entry of the study's audit chain when it was given")
    sha256 = serializers.CharField(help_text="of the signature itself")
    state = serializers.ChoiceField(choices=State.choices)
    valid = serializers.BooleanField(help_text="verified now, against the record as it is and the audit trail")
    because = serializers.CharField(help_text="why it does not verify")


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    """What people signed, or are to sign."""

    comment = serializers.SerializerMethodField(help_text="other sites' patients without their numbers")
    withdrawn_reason = serializers.SerializerMethodField(help_text="other sites' patients without their numbers")
    recommendation = serializers.IntegerField(source="recommendation.number", read_only=True)
    level = serializers.IntegerField(source="level.ordinal", default=None, read_only=True)
    opened_cohort = serializers.IntegerField(source="opened_cohort.number", default=None, read_only=True)
    signatures = serializers.SerializerMethodField()

    class Meta:
        model = Decision
        fields = [
            "id",
            "recommendation",
            "choice",
            "level",
            "cohort_size",
            "comment",
            "status",
            "roles_required",
            "proposed_at",
            "signed_at",
            "withdrawn_at",
            "withdrawn_reason",
            "opened_cohort",
            "signatures",
        ]

    def get_comment(self, decision: Decision) -> str:
        reader: Reader = self.context["reader"]
        return reader.text(decision.comment)

    def get_withdrawn_reason(self, decision: Decision) -> str:
        reader: Reader = self.context["reader"]
        return reader.text(decision.withdrawn_reason)

    @extend_schema_field(SignatureSerializer(many=True))
    def get_signatures(self, decision: Decision) -> list[dict[str, Any]]:
        return list(self.context["signatures"].get(str(decision.pk), []))


class ReadOnly(ListModelMixin, RetrieveModelMixin, StudyScoped):
    """Nothing here can be written, by any method."""

    http_method_names = [method.lower() for method in SAFE_METHODS]

    def get_serializer_context(self) -> dict[str, Any]:
        reader = Reader() if self.is_schema else reader_of(self.client, self.study)
        return {**super().get_serializer_context(), "reader": reader}


class RecommendationViewSet(ReadOnly):
    """The study's recommendations, oldest first."""

    serializer_class = RecommendationSerializer
    queryset = Recommendation.objects.none()
    lookup_field = "number"

    def get_queryset(self) -> QuerySet[Recommendation]:
        if self.is_schema:
            return Recommendation.objects.none()
        return self.study.recommendations.select_related("level", "cohort", "version", "issued_by")


class DecisionViewSet(ReadOnly):
    """The study's decisions with their signatures. There is no way to sign here."""

    serializer_class = DecisionSerializer
    queryset = Decision.objects.none()

    def get_queryset(self) -> QuerySet[Decision]:
        if self.is_schema:
            return Decision.objects.none()
        return self.study.decisions.select_related("recommendation", "level", "opened_cohort")

    def get_serializer_context(self) -> dict[str, Any]:
        signatures = {} if self.is_schema else self._verified_signatures()
        return {**super().get_serializer_context(), "signatures": signatures}

    def _verified_signatures(self) -> dict[str, list[dict[str, Any]]]:
        """By the decision's key, oldest first; a constant number of queries for all of the study."""
        found: dict[str, list[dict[str, Any]]] = {}
        given = list(Signature.objects.filter(record_kind=RECORD_KIND, study_id=self.study.pk).select_related("signer"))
        verdicts = verify_stored(given)
        for signature in given:
            one = told(signature, verdicts[signature.pk], self.study.time_zone)
            found.setdefault(signature.record_key, []).append(one)
        return found


def register(router: BaseRouter) -> None:
    router.register(f"{STUDY_PREFIX}/recommendations", RecommendationViewSet, basename="recommendation")
    router.register(f"{STUDY_PREFIX}/decisions", DecisionViewSet, basename="decision")
