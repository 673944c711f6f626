from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthgen import PrivacyReport, SynthGen, evaluate_privacy
from synthgen.errors import InvalidInputError
from synthgen.reports.gate import Gate, gate
from synthgen.reports.policy import load
from synthgen.reports.privacypage import render
from synthgen.reports.published import count, published

N = 500


@pytest.fixture(scope="module")
def parts(adult: pd.DataFrame) -> list[pd.DataFrame]:
    """Train, other and holdout rows, with an e-mail address each."""
    rows = adult.drop_duplicates().sample(3 * N, random_state=1).reset_index(drop=True)
    rows["mail"] = [f"person{i}@example.org" for i in range(len(rows))]
    return [rows.iloc[k * N : (k + 1) * N].reset_index(drop=True) for k in range(3)]


@pytest.fixture(scope="module")
def report(parts: list[pd.DataFrame]) -> PrivacyReport:
    train, other, holdout = parts
    return evaluate_privacy(
        train, other, holdout=holdout, quasi_identifiers=["sex", "age"], sensitive=["income"]
    )


@pytest.fixture(scope="module")
def judged(report: PrivacyReport) -> Gate:
    policy, text = load("internal-test-data")
    files = {"train": b"\1" * 32, "synthetic": b"\2" * 32}
    return gate(report, policy, text, inputs=files, command="synthgen gate a b --policy c")


def test_figures_stand_under_their_names(report: PrivacyReport) -> None:
    found = report.to_dict()
    for name in report.risks:
        assert set(found[name]) >= {"value", "ci", "n", "reason", "baseline", "direction"}
    assert found["identifier_copies"]["value"] == 0
    assert found["classes"][0]["table"] == "train"
    assert found["claim"] is None
    assert found["not_tested"]


@pytest.mark.parametrize("lacking", [1, 2], ids=["synthetic", "holdout"])
def test_a_table_without_the_identifiers_is_attacked_by_the_other_columns(
    parts: list[pd.DataFrame], report: PrivacyReport, lacking: int
) -> None:
    given = [part.drop(columns="mail") if k == lacking else part for k, part in enumerate(parts)]
    found = evaluate_privacy(given[0], given[1], holdout=given[2])
    assert found.risks["identifier_copies"].value is None
    assert "in all tables" in (found.risks["identifier_copies"].reason or "")
    assert found.risks["membership_auc"] == report.risks["membership_auc"]


def test_no_holdout_no_report(parts: list[pd.DataFrame]) -> None:
    with pytest.raises(InvalidInputError, match="no holdout"):
        evaluate_privacy(parts[0], parts[1])


def test_equal_seeds_give_equal_reports(report: PrivacyReport, parts: list[pd.DataFrame]) -> None:
    train, other, holdout = parts
    again = evaluate_privacy(
        train, other, holdout=holdout, quasi_identifiers=["sex", "age"], sensitive=["income"]
    )
    assert again.to_dict() == report.to_dict()


def test_no_report_holds_a_raw_cell_that_tells(
    judged: Gate, parts: list[pd.DataFrame], tmp_path: Path
) -> None:
    documents = judged.documents(parts[1], "rows.csv", "0" * 64)
    values = {str(v) for part in parts for v in part["fnlwgt"]} | set(parts[0]["mail"])
    for name, text in documents.items():
        told = set(re.findall(r"[\w.@-]+", text))
        assert not told & values, name


def test_the_publishable_report_suppresses_and_rounds(judged: Gate) -> None:
    found = published(judged.contents)
    assert found["tier"] == "publishable"
    assert not {"salt", "commitments", "command"} & found.keys()
    assert found["classes"] == [] and found["notes"] == [] and found["attacked"] == {}
    assert found["rows"]["train"] == "about 500"
    for name in ("membership_auc", "attribute_inference"):
        assert "parts" not in found[name]
        assert found[name]["value"] == round(found[name]["value"], 2)


def test_the_publishable_report_hardly_depends_on_one_person(
    parts: list[pd.DataFrame], judged: Gate
) -> None:
    train, other, holdout = parts
    policy, text = load("internal-test-data")
    less = evaluate_privacy(
        train.iloc[1:], other, holdout=holdout, quasi_identifiers=["sex", "age"],
        sensitive=["income"],
    )  # fmt: skip
    other_gate = gate(less, policy, text, inputs={}, command="")
    one, two = (published(g.contents) for g in (judged, other_gate))
    assert one["rows"] == two["rows"]
    for name in judged.contents:
        if isinstance(one.get(name), dict) and one[name].get("value") is not None:
            assert abs(one[name]["value"] - two[name]["value"]) <= 0.06, name


@pytest.mark.parametrize(
    ("n", "text"), [(0, "fewer than 10"), (9, "fewer than 10"), (10, "about 10"),
                    (32_561, "about 33,000"), (104, "about 100")],
)  # fmt: skip
def test_counts_are_told_to_two_digits(n: int, text: str) -> None:
    assert count(n) == text


def test_commitments_do_not_tell_hashes(judged: Gate) -> None:
    text = json.dumps(judged.contents["commitments"])
    assert "01" * 32 not in text
    assert len(judged.contents["salt"]) == 64


def test_pages_escape_names_and_load_nothing(judged: Gate) -> None:
    contents: dict[str, Any] = json.loads(json.dumps(judged.contents))
    contents["skipped"] = [{"column": "<script>alert(1)</script>", "kind": "text", "reason": ""}]
    for page in (render(contents), render(published(contents))):
        assert "<script" not in page
        assert not re.search(r'(src|href)="(?!#)', page)
        assert page.count("Not tested:") >= 4


def test_the_documents_of_a_gate_are_there(judged: Gate, parts: list[pd.DataFrame]) -> None:
    documents = judged.documents(parts[1], "rows.csv", "0" * 64)
    assert set(documents) == {
        "internal.html", "internal.json", "publishable.html", "publishable.json",
        "model-card.md", "croissant.json", "policy.toml",
    }  # fmt: skip
    assert "Sign-off" in documents["internal.html"]
    assert "internal-test-data" in documents["model-card.md"]


def test_the_metadata_is_valid_croissant(
    judged: Gate, parts: list[pd.DataFrame], tmp_path: Path
) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    path = tmp_path / "croissant.json"
    path.write_text(judged.documents(parts[1], "rows.csv", "0" * 64)["croissant.json"])
    found = mlcroissant.Dataset(jsonld=str(path))
    assert not found.metadata.ctx.issues.errors
    names = [one.name for one in found.metadata.record_sets[0].fields]
    assert names == list(parts[1].columns)


def test_a_model_that_learned_rows_by_heart_is_told_by_its_likelihood(
    parts: list[pd.DataFrame], report: PrivacyReport
) -> None:
    train, synthetic, holdout = (part.head(300) for part in parts)
    options = {"critic": "none", "dropout": 0.0, "late_dropout": 0.0, "batch_size": 100}
    often = pd.concat([train] * 10, ignore_index=True)
    model = SynthGen(seed=0, max_steps=300, model_options=options).fit(often)
    risk = evaluate_privacy(train, synthetic, holdout=holdout, model=model).risks[
        "membership_model_auc"
    ]
    assert risk.value is not None
    assert risk.value > 0.9
    assert risk.parts["of"]["likelihood"]["parts"]["tpr_10"]["value"] > 0.5
    assert report.risks["membership_model_auc"].reason == "no model was given"
    early = SynthGen(seed=0, max_steps=20, model_options=options).fit(train)
    risk = evaluate_privacy(train, synthetic, holdout=holdout, model=early).risks[
        "membership_model_auc"
    ]
    assert (risk.lower() or 0.0) < 0.55
    ganned = SynthGen(model="ctgan", seed=0, max_steps=1).fit(train)
    risk = evaluate_privacy(train, synthetic, holdout=holdout, model=ganned).risks[
        "membership_model_auc"
    ]
    assert "no likelihood" in str(risk.reason)


def test_shadow_models_tell_what_is_rare_from_what_was_learned(adult: pd.DataFrame) -> None:
    rows = adult.drop_duplicates().sample(3600, random_state=1)
    train, synthetic, holdout = rows.iloc[:600], rows.iloc[600:1200], rows.iloc[1200:]
    options = {"critic": "none", "dropout": 0.0, "late_dropout": 0.0, "batch_size": 100}
    model = SynthGen(seed=0, max_steps=120, model_options=options).fit(train)
    report = evaluate_privacy(train, synthetic, holdout=holdout, model=model, shadows=1)
    risk = report.risks["membership_model_auc"]
    plain, calibrated = (
        risk.parts["of"][name]["value"]
        for name in ("likelihood", "likelihood against shadow models")
    )
    assert calibrated > plain + 0.05
    assert risk.parts["worst"] == "likelihood against shadow models"
    assert not any("shadow" in text for text in report.contents["not_tested"])
    with pytest.raises(InvalidInputError, match="give model= too"):
        evaluate_privacy(train, synthetic, holdout=holdout, shadows=1)
