"""`evaluate_quality` and its files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from synthgen import QualityReport, evaluate_quality
from synthgen.errors import InvalidInputError
from synthgen.evaluation.quality import judge

PROMISED = (
    "shape_error_pct", "trend_error_pct", "xgb_c2st", "xgb_c2st_holdout", "lr_c2st", "mle",
    "mle_real", "alpha_precision", "beta_recall", "dcr_share",
)  # fmt: skip


def test_figures_are_those_of_judge_under_the_promised_names(report, small) -> None:
    found = report.to_dict()
    for name in PROMISED:
        assert {"value", "ci", "n", "reason"} <= found[name].keys(), name
        assert found[name] == report.metrics[name].to_dict()
    assert found["rows"] == {"real": 400, "synthetic": 400, "holdout": 200}
    assert found["target"] == "income"
    from synthgen.evaluation.quality import xgb_c2st

    assert report.metrics["xgb_c2st"].value == xgb_c2st(small["real"], small["synthetic"]).value


def test_independent_columns_are_told_and_named(report) -> None:
    found = report.to_dict()
    assert found["verdict"]["headline"] == "Unlike the real table"
    problems = " ".join(p["text"] for p in found["verdict"]["points"] if p["tone"] == "problem")
    assert "education and education-num" in problems
    assert "income" in problems
    page = report.to_html()
    assert "education decides education-num" in page
    assert found["telling_columns"][0]["column"] in ("education", "education-num")


def test_a_copy_is_no_good_table(adult) -> None:
    rows = adult[["age", "fnlwgt", "education", "hours-per-week"]].sample(600, random_state=2)
    real = rows[:400]
    found = evaluate_quality(real, real.copy(), holdout=rows[400:]).to_dict()
    assert found["verdict"]["headline"] == "Real rows seem to be copied"
    text = " ".join(p["text"] for p in found["verdict"]["points"])
    assert "100.0% of synthetic rows equal a real row" in text
    assert "Authenticity is 0.0" in text


def test_the_dict_is_json_and_a_copy(report) -> None:
    found = report.to_dict()
    json.dumps(found, allow_nan=False)
    found["rows"]["real"] = 0
    assert report.to_dict()["rows"]["real"] == 400


def test_save_by_ending(report: QualityReport, tmp_path: Path) -> None:
    report.save(tmp_path / "q.json")
    assert json.loads((tmp_path / "q.json").read_text()) == report.to_dict()
    report.save(str(tmp_path / "q.html"))
    assert (tmp_path / "q.html").read_text() == report.to_html()
    for name, words in (("q.pdf", ".html or .json"), ("no/q.html", "no folder")):
        with pytest.raises(InvalidInputError, match=words):
            report.save(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["q.html", "q.json"]


def test_in_a_notebook_it_stands_in_a_frame_without_rights(report) -> None:
    shown = report._repr_html_()
    assert shown.startswith('<iframe srcdoc="')
    assert 'sandbox=""' in shown
    assert "<html" not in shown, "the page is escaped"


def test_polars_arrow_and_texts_give_the_same_figures(small) -> None:
    pl = pytest.importorskip("polars")
    columns = ["age", "income"]
    real, synthetic = (small[role][columns] for role in ("real", "synthetic"))
    plain = evaluate_quality(real, synthetic, target="income").to_dict()
    arrow = pl.from_pandas(synthetic).to_arrow()
    mixed = evaluate_quality(pl.from_pandas(real), arrow, target="income").to_dict()
    # Cells of a CSV file.
    texts = evaluate_quality(real.astype(str), synthetic.astype(str), target="income").to_dict()
    for name in ("xgb_c2st", "mle", "shape_error_pct", "distributions"):
        assert mixed[name] == plain[name], name
        assert texts[name] == plain[name], name


def test_training_curves_of_a_history(report) -> None:
    assert report.to_dict()["history"] == {"step": [0, 100, 200], "score": [0.1, None, 0.4]}
    assert "score over training steps: from 0.1 to 0.4" in report.to_html()
    with pytest.raises(InvalidInputError, match="history_"):
        evaluate_quality(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}), model=3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"real": [1, 2]}, "the real table: expected a pandas"),
        ({"synthetic": pd.DataFrame({"a": []})}, "the synthetic table: the table has no rows"),
        ({"holdout": pd.DataFrame({"b": [1.0]})}, "lacks 'a'"),
        ({"target": "A"}, "no column 'A'"),
        ({"seed": -1}, "seed must be"),
        ({"seed": True}, "seed must be"),
    ],
)
def test_what_cannot_be_judged_is_named(change, words) -> None:
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0] * 30})
    with pytest.raises(InvalidInputError, match=words) as caught:
        evaluate_quality(**({"real": table, "synthetic": table} | change))
    assert "\n" not in str(caught.value)


def test_progress_is_told(small) -> None:
    seen: list[tuple[str, int, int]] = []
    table = small["real"][["age"]][:60]
    evaluate_quality(table, table, progress=lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == list(range(seen[-1][2] + 1))
    assert seen[-1][0] == "done"


def test_importing_synthgen_stays_light() -> None:
    code = (
        "import sys, synthgen; assert 'evaluate_quality' in dir(synthgen);"
        "assert not {'pandas', 'torch', 'jinja2'} & set(sys.modules);"
        "synthgen.evaluate_quality; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_judge_is_what_is_reported(report) -> None:
    assert judge.__module__ == "synthgen.evaluation.quality.judge"
    assert set(report.metrics) == set(report.judgement.metrics)
