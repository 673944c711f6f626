from __future__ import annotations

from pathlib import Path

import pytest

from synthgen.errors import InvalidInputError
from synthgen.evaluation.privacy import RISKS
from synthgen.evaluation.privacy.risk import excess, lacking
from synthgen.reports.policy import checks, load, shipped

LOW = {name: excess(0, 10_000, 0, 10_000, normalized=False) for name in RISKS}


@pytest.mark.parametrize("name", shipped())
def test_shipped_policies_hold_where_nothing_leaks(name: str) -> None:
    policy, text = load(name)
    private = {"epsilon": 1.0, "delta": 1e-6, "checks": {"unit of privacy declared": []}}
    assert policy.name == name and policy.sources and text.startswith("#")
    assert all(check["passed"] for check in checks(policy, LOW, private))


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("missing", ["membership_auc", "exact_copies"])
def test_what_was_not_measured_fails(name: str, missing: str) -> None:
    risks = {**LOW, missing: lacking("it broke")}
    failed = [c for c in checks(load(name)[0], risks, None) if not c["passed"]]
    assert missing in [c["requirement"] for c in failed]
    assert any("it broke" in (c["reason"] or "") for c in failed)


def test_upper_bounds_are_judged_not_values() -> None:
    policy, _ = load("partner-sharing")
    risks = {
        **LOW,
        "linkability": excess(8, 100, 0, 100, normalized=False),
    }  # .08 measured, .09 allowed
    failed = [c["requirement"] for c in checks(policy, risks, None) if not c["passed"]]
    assert failed == ["linkability"]


def test_more_required_risks_make_every_bound_wider(tmp_path: Path) -> None:
    upper = []
    for more in ("", "exact_copies = 0.5\nnear_copies = 0.5\n"):
        path = tmp_path / "policy.toml"
        path.write_text(f'name="x"\ntier="internal"\n[limits]\nlinkability = 0.5\n{more}')
        upper.append(checks(load(path)[0], LOW, None)[0]["upper"])
    assert upper[0] < upper[1]


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (None, "no model was given"),
        ({"epsilon": None, "checks": {}}, "claims no epsilon"),
        ({"epsilon": 3.0, "checks": {}}, "above 1"),
    ],
)
def test_open_release_needs_a_small_epsilon(claim: dict[str, object] | None, why: str) -> None:
    failed = [c for c in checks(load("open-release")[0], LOW, claim) if not c["passed"]]
    assert [c["requirement"] for c in failed] == ["epsilon"]
    assert why in failed[0]["reason"]


def test_a_claim_that_is_not_true_fails_any_policy() -> None:
    claim = {"epsilon": 1.0, "checks": {"no attack contradicts epsilon": ["one does"]}}
    failed = [c for c in checks(load("internal-test-data")[0], LOW, claim) if not c["passed"]]
    assert [c["reason"] for c in failed] == ["one does"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "not TOML"),
        ('name="x"\ntier="open"\n', "limits"),
        ('name="x"\ntier="open"\n[limits]\n', "limits"),
        ('name="x"\ntier="world"\n[limits]\nlinkability=0.1', "tier"),
        ('name="x"\ntier="open"\n[limit]\nlinkability=0.1', "did you mean 'limits'"),
        ('name="x"\ntier="open"\n[limits]\nlinkabilty=0.1', "did you mean 'linkability'"),
        ('name="x"\ntier="open"\n[limits]\nlinkability=9', "expected 0 to 1"),
        ('name="x"\ntier="open"\n[limits]\nunique_matches=0.1', "quasi_identifiers"),
        ('name="x"\ntier="open"\n[epsilon]\nmost=0\n[limits]\nlinkability=0.1', "epsilon.most"),
    ],
)
def test_what_is_no_policy_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=says):
        load(path)


def test_an_unknown_policy_names_those_there_are() -> None:
    with pytest.raises(InvalidInputError, match="partner-sharing"):
        load("partner")
