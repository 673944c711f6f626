"""The whole audit: the sound path, and the same path with bugs planted in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from synthgen.audit.mechanisms import AUDITS, Audit
from synthgen.audit.planted import Planted, planted


@dataclass(frozen=True)
class AuditReport:
    """What an audit found."""

    mechanisms: tuple[Audit, ...]
    planted: tuple[Planted, ...]

    @property
    def holds(self) -> bool:
        """Whether no claim is contradicted and every bug was found."""
        return all(a.holds for a in self.mechanisms) and all(p.caught for p in self.planted)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict."""
        return {
            "holds": self.holds,
            "mechanisms": [audit.to_dict() for audit in self.mechanisms],
            "planted": [bug.to_dict() for bug in self.planted],
        }


def run_audit(
    *, thorough: bool = False, told: Callable[[str], None] = lambda text: None
) -> AuditReport:
    """Audit every mechanism, then every planted bug.

    Args:
        thorough: Take ten times the runs, for tighter bounds.
        told: Called with what is audited next.
    """

    def runs(name: str) -> int:
        _, short, whole = AUDITS[name]
        return whole if thorough else short

    found = []
    for name, (audit, _, _) in AUDITS.items():
        told(name)
        found.append(audit(runs(name)))
    bugs = []
    for bug in planted(runs):
        told(f"planted: {bug.name}")
        bugs.append(bug)
    return AuditReport(tuple(found), tuple(bugs))
