"""Whatever stands in a file, reading it ends in problems or in a model, never in anything else."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beforehand.workspace.metrics import read_metrics, read_outcomes
from beforehand.workspace.reading import read_model
from beforehand.workspace.spec import SettingsSpec, SignalSpec
from beforehand.workspace.yaml_file import Written, read_yaml

WORDS = """signal: when: cases: all_of: horizon: grace: says: where: - a no ~ 1 -1 1.5e400 .nan 2025-02-30 2025-02-03
[ ] { } &a *a !x !!int !!float !!bool !!timestamp !!binary !!set ' " | > # % @ ` ? << --- ... = 0x 0o9 1_0 1:30 null
true \u2028 \ufeff é \U0001f600"""
PIECES = st.sampled_from([*WORDS.split(), "\n", "\n  ", "  ", ": ", "- ", "\t", "count: events"])
TEXT = st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join)


def told(written: Written) -> None:
    for problem in written.problems:
        assert problem.message and problem.file == "f.yaml"
        assert problem.line is None or problem.line >= 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXT)
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    told(read_yaml(tmp_path, "f.yaml"))
    for model in (SettingsSpec, SignalSpec):
        written = read_yaml(tmp_path, "f.yaml")
        found = read_model(model, written)
        assert found is not None or written.problems
        told(written)
    written = read_yaml(tmp_path, "f.yaml")
    read_metrics(written)
    told(written)
    read_outcomes(written)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from([*SignalSpec.model_fields, *SettingsSpec.model_fields, "x", "all of"])


@pytest.mark.parametrize("model", [SettingsSpec, SignalSpec])
@settings(max_examples=100, deadline=None)
@given(data=st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_values_are_a_model_or_problems(
    model: type[SettingsSpec] | type[SignalSpec], data: dict[str, object]
) -> None:
    written = Written("f.yaml", data=data)
    found = read_model(model, written)
    assert found is not None or written.problems
    told(written)
