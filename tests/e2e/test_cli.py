"""The commands as their users run them, on real rows."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from synthgen import Schema, __version__

from .conftest import SMALL, environment, process, run

COMMANDS = ("demo", "schema", "fit", "sample", "inspect", "quality")


def rows(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)


def sample(model: Path, *args: object, n: int = 60) -> pd.DataFrame:
    ran = run("sample", model, "-n", n, *args)
    assert ran.code == 0, ran.stderr
    assert ran.stderr == ""
    return rows(ran.stdout)


# Help ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command: str) -> None:
    ran = run(command, "--help")
    assert ran.code == 0
    assert "Examples" in ran.stdout
    assert f"synthgen {command}" in ran.stdout
    assert "\x1b" not in ran.stdout, "no colours off a terminal"
    assert run(command, "-h").stdout == ran.stdout


def test_the_overview_names_every_command() -> None:
    ran = run("--help")
    assert all(f" {command} " in ran.stdout for command in COMMANDS)
    assert run("--version").stdout == f"synthgen {__version__}\n"


@pytest.mark.parametrize(
    "args",
    [
        ("fit", "a.csv"),
        ("fit", "a.csv", "-o", "m", "--time-limit", "5x"),
        ("fit", "a.csv", "-o", "m", "--memory-limit", "lots"),
        ("fit", "a.csv", "-o", "m", "--seed", "-1"),
        ("sample", "m"),
        ("sample", "m", "-n", "many"),
        ("sample", "m", "-n", "-5"),
        ("fti", "a.csv"),
    ],
)
def test_usage_errors_are_exit_2(folder: Path, args: tuple[str, ...]) -> None:
    ran = run(*args)
    assert (ran.code, ran.stdout) == (2, "")
    assert "Usage" in ran.stderr
    assert list(folder.iterdir()) == []


def test_help_and_inspect_need_no_torch(folder: Path, fitted: Path) -> None:
    code = (
        "import sys\nfrom synthgen.cli.app import app\n"
        f"for args in (['--help'], ['inspect', {str(fitted)!r}], ['inspect', {str(fitted)!r}, "
        "'--json']):\n"
        "    app(args, standalone_mode=False)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True, capture_output=True)


# fit ----------------------------------------------------------------------------------------


def test_fit_says_what_it_did_and_what_comes_next(adult: Path) -> None:
    ran = run("fit", adult, "-o", "m.synthgen", *SMALL)
    assert (ran.code, ran.stdout) == (0, "")
    told = ran.stderr.splitlines()
    assert re.fullmatch(r"The fit needs about \d{3} MB of memory", told[0])
    assert re.fullmatch(r"Training takes about \d+ s at most: 3 steps", told[1])
    assert told[2].startswith("Fitted argan on 400 rows, 15 columns: 3 steps in ")
    assert "\nNext:  synthgen sample m.synthgen -n 1000 -o synthetic.csv\n" in ran.stderr
    names = ["adult.csv", "m.synthgen", "m.synthgen.meta.json"]
    assert sorted(path.name for path in Path().iterdir()) == names


def test_times_stand_beside_the_model_not_in_it(fitted: Path) -> None:
    note = json.loads(fitted.with_name("adult.synthgen.meta.json").read_text())
    assert {"reading", "encoding", "training"} <= note["seconds"].keys()
    assert note["model"]["sha256"] == hashlib.sha256(fitted.read_bytes()).hexdigest()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\+00:00", note["finished"])
    record = run("inspect", fitted, "--json").stdout
    assert not re.search(r"second|elapsed|duration_s|20\d\d-\d\d-\d\d", record)


def test_quiet_is_quiet_before_and_after_the_command(adult: Path) -> None:
    for args in (("--quiet", "fit"), ("fit", "-q")):
        ran = run(*args, adult, "-o", "m.synthgen", *SMALL)
        assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")


def test_the_same_seed_gives_the_same_file(adult: Path, fitted: Path) -> None:
    assert run("fit", adult, "-o", "m.synthgen", *SMALL).code == 0
    assert Path("m.synthgen").read_bytes() == fitted.read_bytes()
    assert run("fit", adult, "-o", "o.synthgen", *SMALL, "--seed", 4).code == 0
    assert Path("o.synthgen").read_bytes() != fitted.read_bytes()


def test_a_time_limit_ends_with_a_model_and_says_how_to_repeat_it(adult: Path) -> None:
    ran = run(
        "fit", adult, "-o", "m.synthgen", "--time-limit", "15s", "--max-steps", 10**7,
        "--option", "hidden=16", "--option", "patience=1000000",
    )  # fmt: skip
    assert ran.code == 0, ran.stderr
    record = json.loads(run("inspect", "m.synthgen", "--json").stdout)["training"]
    assert record["budget_exhausted"] is True
    assert f"--seed {record['seed']} --max-steps {record['steps']})" in ran.stderr
    assert len(sample(Path("m.synthgen"))) == 60


def test_model_options_arrive(adult: Path) -> None:
    ran = run(
        "fit", adult, "-o", "m.synthgen", "--max-steps", 3, "--option", "width=16",
        "--option", "batch_size=100", "--model", "ctgan", "--option", "loss=hinge",
        "--option", "pac=4", "--option", "spectral_norm=true", "--option", "learning_rate=1e-3",
    )  # fmt: skip
    assert ran.code == 0, ran.stderr
    options = json.loads(run("inspect", "m.synthgen", "--json").stdout)["config"]["options"]
    given = {"loss": "hinge", "pac": 4, "spectral_norm": True, "learning_rate": 1e-3, "width": 16}
    assert given.items() <= options.items()


def test_a_corrected_schema_is_obeyed(adult: Path) -> None:
    ran = run("schema", adult, "-o", "schema.json")
    assert (ran.code, ran.stdout) == (0, "")
    assert "fit adult.csv --schema schema.json" in ran.stderr.replace(str(adult), "adult.csv")
    schema = json.loads(Path("schema.json").read_text())
    kinds = {column["name"]: column["kind"] for column in schema["columns"]}
    assert (kinds["education-num"], kinds["income"]) == ("integer", "category")
    for column in schema["columns"]:
        if column["name"] == "education-num":
            column["kind"] = "category"
    Path("schema.json").write_text(json.dumps(schema))
    assert run("fit", adult, "-o", "m.synthgen", "--schema", "schema.json", *SMALL).code == 0
    fitted = json.loads(run("inspect", "m.synthgen", "--json").stdout)["schema"]
    assert {c["name"]: c["kind"] for c in fitted["columns"]} == kinds | {
        "education-num": "category"
    }


def test_gzip_and_parquet_are_read(adult: Path, fitted: Path) -> None:
    Path("adult.csv.gz").write_bytes(gzip.compress(adult.read_bytes()))
    assert run("fit", "adult.csv.gz", "-o", "m.synthgen", *SMALL).code == 0
    assert Path("m.synthgen").read_bytes() == fitted.read_bytes()
    pd.read_csv(adult).to_parquet("adult.parquet")
    assert run("fit", "adult.parquet", "-o", "p.synthgen", *SMALL).code == 0
    assert list(sample(Path("p.synthgen")).columns) == list(pd.read_csv(adult).columns)


# sample -------------------------------------------------------------------------------------


def test_rows_look_like_the_real_ones(fitted: Path, adult_text: str) -> None:
    real, made = rows(adult_text), sample(fitted, n=200)
    assert list(made.columns) == list(real.columns)
    assert len(made) == 200
    for name in ("workclass", "education", "sex", "income"):
        assert set(made[name]) <= set(real[name])
    assert made["age"].astype(int).between(real["age"].astype(int).min(), 100).all()


def test_a_seed_repeats_a_sample(fitted: Path) -> None:
    first = run("sample", fitted, "-n", 50, "--seed", 1).stdout
    assert run("sample", fitted, "-n", 50, "--seed", 1).stdout == first
    assert run("sample", fitted, "-n", 50, "--seed", 2).stdout != first
    assert run("sample", fitted, "-n", 50).stdout != run("sample", fitted, "-n", 50).stdout


def test_no_rows_are_a_header(fitted: Path) -> None:
    ran = run("sample", fitted, "-n", 0)
    assert ran.code == 0
    assert ran.stdout.startswith("age,workclass,")
    assert ran.stdout.count("\n") == 1


def test_a_file_says_that_it_is_synthetic_and_how_to_make_it_again(
    folder: Path, fitted: Path
) -> None:
    ran = run("sample", fitted, "-n", 30, "-o", "s.csv", "--where", "sex=Female")
    assert (ran.code, ran.stdout) == (0, "")
    note = json.loads(Path("s.csv.meta.json").read_text())
    assert note["synthetic"] is True
    assert note["rows"] == 30
    assert note["where"] == ["sex=Female"]
    assert note["model"]["sha256"] == hashlib.sha256(fitted.read_bytes()).hexdigest()
    assert f"seed {note['seed']}" in ran.stderr
    again = run("sample", fitted, "-n", 30, "--seed", note["seed"], "--where", "sex=Female")
    assert again.stdout == Path("s.csv").read_text()
    for name in ("s.csv.gz", "s.parquet"):
        assert run("sample", fitted, "-n", 30, "-o", name, "--seed", 1).code == 0
        assert json.loads(Path(f"{name}.meta.json").read_text())["synthetic"] is True
    assert gzip.decompress(Path("s.csv.gz").read_bytes()).count(b"\n") == 31


def test_conditions(fitted: Path) -> None:
    assert set(sample(fitted, "--where", "income=>50K")["income"]) == {">50K"}
    made = sample(fitted, "--where", "education=Masters,HS-grad", "--where", "sex=Male")
    assert set(made["education"]) == {"Masters", "HS-grad"}
    assert set(made["sex"]) == {"Male"}
    assert set(sample(fitted, "--where", "occupation=")["occupation"]) == {"?"}
    assert set(sample(fitted, "--where", "capital-gain=0")["capital-gain"]) == {"0"}


def test_balance(fitted: Path) -> None:
    counts = sample(fitted, "--balance", "income")["income"].value_counts()
    assert counts.to_dict() == {"<=50K": 30, ">50K": 30}


def test_booleans_and_commas_in_conditions(folder: Path) -> None:
    cells = ["yes,a,x", 'no,"b, c",y', "yes,d,x"]
    Path("t.csv").write_text("flag,city,z\n" + "".join(f"{cell}\n" for cell in cells * 40))
    assert run("fit", "t.csv", "-o", "m.synthgen", *SMALL).code == 0
    model = Path("m.synthgen")
    assert set(sample(model, "--where", "flag=no")["flag"]) == {"no"}
    assert set(sample(model, "--where", 'city="b, c"')["city"]) == {"b, c"}
    assert set(sample(model, "--where", 'city=a,"b, c"')["city"]) == {"a", "b, c"}


# inspect and schema -------------------------------------------------------------------------


def test_inspect(fitted: Path) -> None:
    shown = json.loads(run("inspect", fitted, "--json").stdout)
    assert {"schema", "training", "versions", "privacy"} <= shown.keys()
    assert len(shown["schema"]["columns"]) == 15
    assert (shown["training"]["steps"], shown["training"]["seed"]) == (3, 3)
    assert shown["versions"]["synthgen"] == __version__
    assert shown["privacy"] is None
    text = run("inspect", fitted).stdout
    for word in (
        "400 rows, 15 columns",
        "3 steps",
        "without differential privacy",
        "education-num",
    ):
        assert word in text


def test_schema_is_json_when_piped(adult: Path) -> None:
    ran = run("schema", adult)
    shown = json.loads(ran.stdout)
    assert [relation["columns"] for relation in shown.pop("relations")]
    assert shown == Schema.infer(rows(adult.read_text())).to_dict()
    assert run("schema", adult, "--json").stdout == ran.stdout
    assert run("schema", adult, "-o", "-").stdout == ran.stdout


def on_terminal(stream: str, *args: object, **env: str) -> str:
    """What a terminal shows of one standard stream."""
    master, slave = pty.openpty()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: slave}
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-m", "synthgen", *map(str, args)],
        env=environment(**{"TERM": "xterm", **env}), **streams,
    ):  # fmt: skip
        os.close(slave)
        try:
            while block := os.read(master, 65536):
                shown += block
        except OSError:  # Linux says so at the end
            pass
    os.close(master)
    return shown.decode()


def test_schema_is_a_table_on_a_terminal(adult: Path) -> None:
    shown = on_terminal("stdout", "schema", adult)
    assert re.search(r"workclass\s+category\s+missing marker '\?'", shown)


def test_colours_are_for_terminals_that_want_them(folder: Path) -> None:
    red = "\x1b[1;31m"
    assert red in on_terminal("stderr", "schema", "none.csv")
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown = on_terminal("stderr", "schema", "none.csv", **env)
        assert "31m" not in shown
        assert "no such file" in shown


# The process --------------------------------------------------------------------------------


def test_a_pipeline(folder: Path, fitted: Path, adult_text: str) -> None:
    ran = process("fit", "-", "-o", "m.synthgen", *SMALL, stdin=adult_text.encode(), cwd=folder)
    assert (ran.code, ran.stdout) == (0, ""), ran.stderr
    assert "\x1b" not in ran.stderr
    assert Path("m.synthgen").read_bytes() == fitted.read_bytes()
    ran = process("sample", "m.synthgen", "-n", 25, cwd=folder)
    assert (ran.code, ran.stderr) == (0, "")
    assert len(list(csv.reader(io.StringIO(ran.stdout)))) == 26
    ran = process("schema", "-", stdin=ran.stdout.encode(), cwd=folder)
    assert len(json.loads(ran.stdout)["columns"]) == 15


def test_the_installed_script_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("synthgen")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"synthgen {__version__}\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupting_leaves_nothing(folder: Path, number: int, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "synthgen", "fit", "-", "-o", "m.synthgen"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    ) as fit:  # fmt: skip
        assert fit.stdin is not None
        # More than a pipe holds: when it is through, the command is reading.
        fit.stdin.write(b"a,b\n" + b"1,2\n" * 200_000)
        fit.stdin.flush()
        fit.send_signal(number)
        out, err = fit.communicate(timeout=60)
    assert (fit.returncode, out) == (code, b"")
    assert err == (b"Error: interrupted; nothing was written\n" if code == 130 else b"")
    assert list(folder.iterdir()) == []


def test_a_reader_that_has_had_enough(folder: Path, fitted: Path) -> None:
    line = f"{sys.executable} -m synthgen sample {fitted} -n 5000 | head -n 2"
    done = subprocess.run(line, shell=True, capture_output=True, env=environment(), check=True)
    assert done.stdout.count(b"\n") == 2
    assert done.stderr == b""


def test_what_nobody_expected_is_one_line(folder: Path, adult: Path) -> None:
    """A connector of somebody else's that breaks."""
    info = folder / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[synthgen.connectors]\nbroken = broken:Connector\n")
    (folder / "broken.py").write_text(
        "class Connector:\n    def scan(self, uri):\n        raise RuntimeError('a\\nb')\n"
    )
    path = environment()["PYTHONPATH"] + os.pathsep + str(folder)
    ran = process("schema", "broken:x", cwd=folder, PYTHONPATH=path)
    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr.startswith("Error: RuntimeError: a b (unexpected; ")
    assert ran.stderr.count("\n") == 1
    debug = process("schema", "broken:x", cwd=folder, PYTHONPATH=path, SYNTHGEN_DEBUG="1")
    assert "Traceback" in debug.stderr


# Settings -----------------------------------------------------------------------------------


def steps_and_seed(*args: object, env: dict[str, str] | None = None) -> tuple[int, int]:
    ran = run(
        "fit", "adult.csv", "-o", "m.synthgen", "--option", "hidden=16", "--option",
        "batch_size=100", *args, env=env,
    )  # fmt: skip
    assert ran.code == 0, ran.stderr
    record = json.loads(run("inspect", "m.synthgen", "--json").stdout)["training"]
    return record["steps"], record["seed"]


def test_flags_before_variables_before_the_file(adult: Path) -> None:
    Path("synthgen.toml").write_text("seed = 11\nquiet = true\n[fit]\nmax-steps = 2\n")
    variables = {"SYNTHGEN_SEED": "12"}
    assert steps_and_seed() == (2, 11)
    assert steps_and_seed(env=variables) == (2, 12)
    assert steps_and_seed("--seed", 13, "--max-steps", 1, env=variables) == (1, 13)
    Path("synthgen.toml").write_text("seed = 11\n[fit]\nseed = 14\nmax_steps = 1\n")
    assert steps_and_seed() == (1, 14), "a command's own setting is nearer"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed = 1", ["'sed'", "did you mean", "'seed'"]),
        ("[fit]\ntime_limt = '5m'", ["[fit]", "'time_limt'", "time-limit"]),
        ("[fti]\nseed = 1", ["[fti]", "did you mean", "fit"]),
        ("seed = ", ["not valid TOML"]),
        ("[fit]\nseed = {a = 1}", ["seed"]),
    ],
)
def test_a_wrong_file_of_settings_is_refused(adult, refused, text: str, words: list[str]) -> None:
    Path("synthgen.toml").write_text(text)
    refused("fit", adult, "-o", "m.synthgen", words=("synthgen.toml", *words))


# demo ---------------------------------------------------------------------------------------


def test_demo(folder: Path) -> None:
    ran = run("demo", "--max-steps", 5, "--seed", 1)
    assert ran.code == 0, ran.stderr
    for word in ("shape error", "trend error", "XGB-C2ST", "AUC", "demo-out/synthetic.csv"):
        assert word in ran.stdout
    assert len(rows(Path("demo-out/synthetic.csv").read_text())) == 32_561
    assert json.loads(Path("demo-out/synthetic.csv.meta.json").read_text())["synthetic"] is True
    assert run("inspect", "demo-out/adult.synthgen").code == 0
