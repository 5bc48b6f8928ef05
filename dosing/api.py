"""Recommendations and decisions over REST: to read. Signing is for people, on the page, with their password."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import SAFE_METHODS
from rest_framework.routers import BaseRouter

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


class SignatureSerializer(serializers.ModelSerializer[Signature]):
    signer = serializers.CharField(source="printed_name", read_only=True)

    class Meta:
        model = Signature
        fields = ["role", "signer", "statement", "signed_at", "record_sha256"]


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

    def get_signatures(self, decision: Decision) -> list[dict[str, Any]]:
        given = self.context["signatures"].get(str(decision.pk), [])
        return list(SignatureSerializer(given, many=True).data)


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
        given: dict[str, list[Signature]] = {}
        if not self.is_schema:
            for signature in Signature.objects.filter(record_kind=RECORD_KIND, study_id=self.study.pk):
                given.setdefault(signature.record_key, []).append(signature)
        return {**super().get_serializer_context(), "signatures": given}


def register(router: BaseRouter) -> None:
    router.register(f"{STUDY_PREFIX}/recommendations", RecommendationViewSet, basename="recommendation")
    router.register(f"{STUDY_PREFIX}/decisions", DecisionViewSet, basename="decision")
