"""A faulty study file is refused by the command and by the page: path, value, what is allowed; nothing is written."""

from html import escape
from pathlib import Path

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from audit.models import Entry
from dosing.queries.draft import read_whole_study_file
from tests.cast import ANTI_MAG, person
from tests.trials.test_protocol import FAULTS, Change, put
from trials.errors import Fault, InvalidProtocol
from trials.models import Study

pytestmark = pytest.mark.django_db

OF_THE_DESIGN: list[tuple[Change, str]] = [
    (put("design.parameters", {}), "design.parameters.target"),
    (put("design.parameters.target", 0.95), "design.parameters.target"),
    (put("design.parameters.p_saf", 0.29), "design.parameters.p_saf"),
    (put("design.parameters.colour", "blue"), "design.parameters.colour"),
    (put("signatures.set_up", ["king"]), "signatures.set_up.0"),
    (put("signatures.set_up", []), "signatures.set_up"),
]
MUTATED = FAULTS + OF_THE_DESIGN
IDS = [f"{n}-{path}" for n, (_, path) in enumerate(MUTATED)]


def mutated(change: Change) -> str:
    content = yaml.safe_load(ANTI_MAG.read_text())
    change(content)
    return yaml.safe_dump(content, allow_unicode=True)


def faults_of(text: str) -> list[Fault]:
    with pytest.raises(InvalidProtocol) as refused:
        read_whole_study_file(text)
    return refused.value.faults


@pytest.fixture
def entries(rung: User) -> int:
    """How much the audit trail holds before anything is tried."""
    person("dana", "Dana Petrov")
    return Entry.objects.count()


def nothing_was_written(entries: int) -> bool:
    return not Study.objects.exists() and Entry.objects.count() == entries


def test_there_are_more_than_thirty_of_them() -> None:
    assert len(MUTATED) > 30


@pytest.mark.parametrize(("change", "path"), MUTATED, ids=IDS)
def test_the_command_refuses_it(change: Change, path: str, entries: int, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(mutated(change))
    with pytest.raises(CommandError) as refused:
        call_command("load_protocol", str(file))
    told = str(refused.value).splitlines()
    assert any(line.startswith(path) for line in told)
    assert all("is not allowed; " in line for line in told)
    assert nothing_was_written(entries)


@pytest.mark.parametrize(("change", "path"), MUTATED, ids=IDS)
def test_the_page_refuses_it_and_gives_the_text_back(change: Change, path: str, entries: int) -> None:
    client, text = Client(), mutated(change)
    client.force_login(User.objects.get(username="dana"))
    file = SimpleUploadedFile("study.yaml", text.encode())
    answer = client.post("/start-a-study/file/", {"file": file, "key": "MY-KEY"})
    assert answer.status_code == 422
    page = answer.content.decode()
    for fault in faults_of(text):
        assert f"{escape(fault.path)}</dt>" in page
        assert escape(fault.allowed) in page
    assert path in page
    assert escape(text.strip()[:200]) in page
    assert 'value="MY-KEY"' in page
    assert nothing_was_written(entries)
