"""What an installation is made of, and what is known to be wrong with it: `make check` runs both.

`var/sbom.cdx.json` lists every package of requirements.lock with its hashes (CycloneDX). pip-audit asks for advisories
about them: a finding fails the check, and where nobody could be asked that is said plainly, as it is no good news.
"""

import json
import subprocess
import sys
from typing import Any

from config.environment import BASE_DIR, VAR_DIR

LOCK = BASE_DIR / "requirements.lock"
SBOM = VAR_DIR / "sbom.cdx.json"
PATIENCE = 180  # seconds


def write_sbom() -> int:
    """Returns how many packages it lists. The same lock gives the same file."""
    SBOM.parent.mkdir(parents=True, exist_ok=True)
    run("cyclonedx_py", "requirements", str(LOCK), "--of", "JSON", "--output-reproducible", "-o", str(SBOM))
    return len(json.loads(SBOM.read_text())["components"])


def audit() -> dict[str, Any] | None:
    """What pip-audit found, or None where it could not be run to an end."""
    try:
        said = run(
            "pip_audit", "-r", str(LOCK), "--disable-pip", "--require-hashes", "--progress-spinner=off", "-f", "json"
        )
        found: dict[str, Any] = json.loads(said)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return found


def run(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, timeout=PATIENCE).stdout


def verdict(found: dict[str, Any] | None) -> tuple[bool, str]:
    """(whether the check passes, what to say)."""
    packages = found["dependencies"] if found else []
    faults = [(p, fault) for p in packages for fault in p.get("vulns", [])]
    if faults:
        lines = [f"  {p['name']} {p['version']}: {f['id']}, mended in {_versions(f)}" for p, f in faults]
        return False, "\n".join([f"{len(faults)} known faults in what Rung is made of:", *lines])
    asked = [p for p in packages if "skip_reason" not in p]
    if not asked:
        return True, "NOT ASKED: no advisory service could be reached, so nothing is known about known faults."
    left = len(packages) - len(asked)
    rest = f" {left} could NOT be asked about." if left else ""
    return True, f"No known faults in {len(asked)} packages.{rest}"


def _versions(fault: dict[str, Any]) -> str:
    return ", ".join(fault.get("fix_versions") or []) or "no version yet"


def main() -> int:
    print(f"{write_sbom()} packages in {SBOM.relative_to(BASE_DIR) if SBOM.is_relative_to(BASE_DIR) else SBOM}")
    passes, said = verdict(audit())
    print(said)
    return 0 if passes else 1


if __name__ == "__main__":
    sys.exit(main())
