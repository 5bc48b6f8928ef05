"""The API's ground: a client sees its studies and sites, and writes once however often it retries."""

import datetime as dt
import json
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter
from rest_framework.utils.encoders import JSONEncoder
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from accounts.canonical import sha256_of
from accounts.models import User
from trials import clock
from trials.models import Cohort, DoseLevel, ProtocolVersion, Role, Slot, Study, WriteRequest
from trials.permissions import TABLE, Permission, memberships, visible_sites
from trials.queries import study_for

STUDY_PREFIX = r"studies/(?P<study_key>[-\w]+)"
SAFE = ("GET", "HEAD", "OPTIONS")


class KeyReused(APIException):
    status_code = 422
    default_code = "idempotency-key-reused"
    default_detail = "This Idempotency-Key belongs to another request. Use a new key for each new write."


class _AnsweredBefore(Exception):
    def __init__(self, stored: WriteRequest) -> None:
        self.stored = stored


class WritesOnce(GenericViewSet):
    """Every write carries an `Idempotency-Key` header; sent again with the same key, it gets the first answer.

    The key, what the request wrote and its answer are committed together, or none of them.
    """

    _write: WriteRequest | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method in SAFE:
            return super().dispatch(request, *args, **kwargs)
        with transaction.atomic():
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in SAFE:
            self._claim(request)

    def _claim(self, request: Request) -> None:
        key = request.headers.get("Idempotency-Key", "").strip()
        if not 8 <= len(key) <= 200:
            raise ValidationError(
                {"Idempotency-Key": [f"{key!r}: send a header of 8 to 200 characters, a new one for each new write."]}
            )
        digest = sha256_of({"method": request.method, "path": request.path, "body": request.data})
        write, new = WriteRequest.objects.get_or_create(
            client_id=request.user.pk, key=key, defaults={"request_sha256": digest}
        )
        if write.request_sha256 != digest:
            raise KeyReused
        if not new:
            self.check_replay(write.answer)
            raise _AnsweredBefore(write)
        self._write = write

    def check_replay(self, answer: Any) -> None:
        """Raises where the client may not read any more what it was once answered."""
        raise NotImplementedError

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _AnsweredBefore):
            return Response(exc.stored.answer, status=exc.stored.status, headers={"Idempotent-Replay": "true"})
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if self._write is not None and response.status_code < 400:
            self._write.status, self._write.answer = response.status_code, _plain(response.data)
            self._write.save(update_fields=["status", "answer"])
        return super().finalize_response(request, response, *args, **kwargs)


def _codes_in(named: Any) -> set[str]:
    """The patients' codes in an address or an answer: at most the one that it is about."""
    return {str(named[name]) for name in ("code", "patient_code", "patient") if name in named} if named else set()


def _plain(answer: Any) -> Any:
    """The answer as JSON has it: what is stored is what was sent."""
    return json.loads(json.dumps(answer, cls=JSONEncoder))


class StudyScoped(WritesOnce):
    """Views below /studies/<key>/: the study, the client, the moment, and the sites that the client may see."""

    @property
    def client(self) -> User:
        user = self.request.user
        assert isinstance(user, User)
        return user

    @cached_property
    def study(self) -> Study:
        return study_for(self.client, self.kwargs["study_key"])

    @cached_property
    def now(self) -> dt.datetime:
        return clock.now(self.study)

    def check_replay(self, answer: Any) -> None:
        """Http404 without a role in the study, or at the site of the patient whom the address or the answer names."""
        held = [m for m in memberships(self.client, self.study) if Permission.VIEW_PATIENTS in TABLE[Role(m.role)]]
        seen = {m.site.code if m.site else None for m in held}
        for code in _codes_in(self.kwargs) | _codes_in(answer):
            if not seen & {None, code.rpartition("-")[0]}:
                raise Http404("There is no such patient at your sites.")

    @cached_property
    def sites(self) -> Q:
        """A filter on rows with a `site`."""
        return visible_sites(self.client, self.study)

    @property
    def is_schema(self) -> bool:
        """True while the OpenAPI document is made, when there is neither study nor client."""
        return getattr(self, "swagger_fake_view", False)


class StudySerializer(serializers.ModelSerializer[Study]):
    protocol_version = serializers.IntegerField(source="version.number", read_only=True)
    today = serializers.SerializerMethodField(help_text="the study's day; a rehearsal has its own")

    class Meta:
        model = Study
        fields = [
            "key",
            "title",
            "time_zone",
            "is_rehearsal",
            "today",
            "protocol_version",
            "accrual_suspended_at",
        ]

    def get_today(self, study: Study) -> dt.date:
        return clock.today(study)


class StudyViewSet(ReadOnlyModelViewSet[Study]):
    """The client's studies."""

    serializer_class = StudySerializer
    lookup_field = "key"
    queryset = Study.objects.none()

    def get_queryset(self) -> QuerySet[Study]:
        if getattr(self, "swagger_fake_view", False):
            return Study.objects.none()
        return Study.objects.visible_to(self.request.user).filter(versions__status="live")  # type: ignore[arg-type]


class DoseSerializer(serializers.Serializer[Any]):
    agent = serializers.CharField()
    amount = serializers.DecimalField(max_digits=10, decimal_places=3)
    unit = serializers.CharField()
    route = serializers.CharField()
    days = serializers.ListField(child=serializers.IntegerField())


class DoseLevelSerializer(serializers.ModelSerializer[DoseLevel]):
    doses = serializers.SerializerMethodField()

    class Meta:
        model = DoseLevel
        fields = ["id", "ordinal", "label", "doses", "closed_at", "closed_reason"]

    @extend_schema_field(DoseSerializer(many=True))
    def get_doses(self, level: DoseLevel) -> Any:
        study: Study = self.context["study"]
        return DoseSerializer(study.protocol.level(level.ordinal).doses, many=True).data


class SlotSerializer(serializers.ModelSerializer[Slot]):
    state = serializers.SerializerMethodField()
    reserved_for_site = serializers.SlugRelatedField[Any]("code", read_only=True)

    class Meta:
        model = Slot
        fields = ["id", "number", "state", "reserved_for_site", "reserved_until", "used_at"]

    def get_state(self, slot: Slot) -> str:
        if slot.used_at is not None:
            return "used"
        running = slot.reserved_until is not None and slot.reserved_until > self.context["now"]
        return "reserved" if running else "open"


class CohortSerializer(serializers.ModelSerializer[Cohort]):
    part = serializers.CharField(source="part.kind", read_only=True)
    level = serializers.IntegerField(source="level.ordinal", read_only=True)
    slots = SlotSerializer(many=True, read_only=True)

    class Meta:
        model = Cohort
        fields = ["id", "number", "part", "level", "size", "opened_at", "closed_at", "closed_reason", "slots"]


class DoseLevelViewSet(ListModelMixin, RetrieveModelMixin, StudyScoped):
    """The study's dose levels, lowest first, with what is given at each."""

    serializer_class = DoseLevelSerializer
    queryset = DoseLevel.objects.none()
    lookup_field = "ordinal"

    def get_queryset(self) -> QuerySet[DoseLevel]:
        if self.is_schema:
            return DoseLevel.objects.none()
        live = {"study__versions__status": ProtocolVersion.Status.LIVE}
        return DoseLevel.objects.filter(study=self.study, **live)  # what is given at them is the live version's

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "study": None if self.is_schema else self.study}


class CohortViewSet(ListModelMixin, RetrieveModelMixin, StudyScoped):
    """The study's cohorts with their slots: open, reserved or used."""

    serializer_class = CohortSerializer
    queryset = Cohort.objects.none()
    lookup_field = "number"

    def get_queryset(self) -> QuerySet[Cohort]:
        if self.is_schema:
            return Cohort.objects.none()
        return (
            Cohort.objects.filter(study=self.study)
            .select_related("part", "level")
            .prefetch_related("slots__reserved_for_site")
        )

    def get_serializer_context(self) -> dict[str, Any]:
        now = None if self.is_schema else self.now
        return {**super().get_serializer_context(), "now": now}


def register(router: BaseRouter) -> None:
    router.register("studies", StudyViewSet, basename="study")
    router.register(f"{STUDY_PREFIX}/levels", DoseLevelViewSet, basename="level")
    router.register(f"{STUDY_PREFIX}/cohorts", CohortViewSet, basename="cohort")
