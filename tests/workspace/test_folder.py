"""A workspace is read as a whole: every problem at once, each with file, line, code and what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from beforehand.commands.init import init
from beforehand.errors import Problem, Problems
from beforehand.workspace import read_folder

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Makes a workspace with the starter's settings and metrics and these files instead of its signals."""
    root = tmp_path / "w"
    init(root)
    for path in (root / "signals").iterdir():
        path.unlink()

    def put(**files: str | bytes) -> Path:
        for name, text in files.items():
            path = root / (name.replace("__", "/") + ".yaml")
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return root

    return put


def problems(root: Path) -> list[Problem]:
    with pytest.raises(Problems) as raised:
        read_folder(root)
    found = list(raised.value.problems)
    assert all(p.message for p in found)
    return found


def one(root: Path) -> Problem:
    found = problems(root)
    assert len(found) == 1, [str(p) for p in found]
    return found[0]


SEED = "signal: seed\nwhen: logins below 2 per week\n"


def test_a_right_one_is_read(write: Write) -> None:
    folder = read_folder(
        write(
            signals__seed=SEED + "clear: logins at least 3 per week\nseverity: high\n",
            signals__other="signal: other\nwhen:\n  all of: [seed, tickets at least 3 per week]\n  within: 14 days\n",
        )
    )
    assert list(folder.signals) == ["other", "seed"]
    assert folder.specs["seed"].severity == "high"
    assert folder.signals["seed"].clear is not None
    assert folder.written["seed"].line(("severity",)) == 4
    assert folder.settings.zone == "UTC"
    assert "gone quiet" in folder.outcomes
    assert {"logins", "active people", "events", "errors", "tickets"} <= folder.metrics.keys()


def test_every_problem_of_every_file_at_once(write: Write) -> None:
    root = write(
        beforehand="zone: Europe/Belin\noutcome: churn\nhorizn: 3 days\n",
        metrics="logins:\n  count: evnts\nspend:\n  sum: invoices\n  of: amont\nlate:\n  count: events\n"
        "  where: event = 1;\n",
        outcomes="churned:\n  silent for: 60 days\nquiet:\n  silent for: soon\n",
        signals__a="signal: a\nwhen: logins blow 2 per week\nclear: logins abve 3\nseverity: hgh\n",
        signals__b="signal: b\nwhen: logins below 2 per week\noutcome: churnd\n",
        signals__c="when: [\n",
        signals__d=b"signal: d\nwhy: \xff\n",
    )
    found = problems(root)
    assert [(p.file, p.line, p.code) for p in found] == [
        ("beforehand.yaml", 1, "unknown-zone"),
        ("beforehand.yaml", 2, "unknown-outcome"),
        ("beforehand.yaml", 3, "unknown-key"),
        ("metrics.yaml", 2, "bad-value"),
        ("metrics.yaml", 5, "unknown-column"),
        ("metrics.yaml", 8, "bad-condition"),
        ("outcomes.yaml", 1, "outcome-taken"),
        ("outcomes.yaml", 4, "bad-value"),
        ("signals/a.yaml", 2, "bad-sentence"),
        ("signals/a.yaml", 3, "bad-sentence"),
        ("signals/a.yaml", 4, "bad-value"),
        ("signals/b.yaml", 3, "unknown-outcome"),
        ("signals/c.yaml", 1, "bad-yaml"),
        ("signals/d.yaml", 2, "not-utf-8"),
    ]
    said = {(p.file, p.line): str(p) for p in found}
    assert "Europe/Berlin" in said["beforehand.yaml", 1]
    assert "horizon" in said["beforehand.yaml", 3]
    assert "events" in said["metrics.yaml", 2]
    assert "amount" in said["metrics.yaml", 5]
    assert "high" in said["signals/a.yaml", 4]
    assert "churned" in said["signals/b.yaml", 3]


def test_each_wrong_sentence_of_a_file_is_told_on_its_line(write: Write) -> None:
    root = write(
        signals__a="# a comment\nsignal: a\nwhen:\n  any of:\n    - logins blow 2 per week\n"
        "    - tickets at least 5 per week\n    - all of:\n        - lgins below 2 per week\n"
        "clear: logins abve 3 per week\n"
    )
    found = problems(root)
    assert [(p.line, p.code) for p in found] == [(5, "bad-sentence"), (8, "bad-sentence"), (9, "bad-sentence")]
    assert all(p.hint for p in found)
    assert "logins" in str(found[1]), "the nearest metric"


def test_a_misspelt_metric_names_the_nearest(write: Write) -> None:
    problem = one(write(signals__seed="signal: seed\nwhen: lgins below 2 per week\n"))
    assert (problem.file, problem.line) == ("signals/seed.yaml", 2)
    assert "logins" in str(problem) and problem.hint


def test_one_name_in_two_files(write: Write) -> None:
    problem = one(write(signals__a=SEED, signals__b="\n" + SEED))
    assert (problem.file, problem.line, problem.code) == ("signals/b.yaml", 2, "signal-taken")
    assert "signals/a.yaml:1" in problem.message


def test_a_file_without_a_name(write: Write) -> None:
    problem = one(write(signals__a="when: logins below 2 per week\n"))
    assert (problem.code, problem.file) == ("missing-key", "signals/a.yaml")
    assert "`signal:`" in problem.message


@pytest.mark.parametrize("clear", ["", "clear: b\n"])
def test_signals_that_name_each_other_in_a_circle(write: Write, clear: str) -> None:
    root = write(
        signals__a="signal: a-one\nwhen:\n  all of:\n    - tickets at least 1 per week\n    - b-two\n",
        signals__b="signal: b-two\nwhen:\n  any of: [c-three]\n",
        signals__c="signal: c-three\nwhen:\n  any of: [a-one]\n",
    )
    problem = one(root)
    assert (problem.file, problem.line, problem.code) == ("signals/a.yaml", 5, "cycle")
    assert "a-one -> b-two -> c-three -> a-one" in problem.message


def test_two_circles_are_both_told(write: Write) -> None:
    root = write(
        signals__a="signal: a-a\nwhen:\n  any of: [a-a]\n",
        signals__b="signal: b-b\nwhen:\n  any of: [c-c]\n",
        signals__c="signal: c-c\nwhen:\n  any of: [b-b]\n",
    )
    assert [(p.file, p.code) for p in problems(root)] == [("signals/a.yaml", "cycle"), ("signals/b.yaml", "cycle")]


def test_a_signal_that_is_not_there(write: Write) -> None:
    problem = one(
        write(
            signals__a=SEED, signals__b="signal: b\nwhen:\n  all of:\n    - tickets at least 1 per week\n    - sed-x\n"
        )
    )
    assert (problem.line, problem.code) == (5, "unknown-signal")
    assert "seed" in problem.hint


def test_naming_a_signal_whose_own_file_is_wrong_is_no_further_problem(write: Write) -> None:
    root = write(
        signals__a="signal: a-x\nwhen: logins below 2 per week\nseverity: hgh\n",
        signals__b="signal: b\nwhen:\n  any of: [a-x, c-x]\n",
        signals__c="signal: c-x\nwhen: logins blow 2\n",
    )
    assert [(p.file, p.code) for p in problems(root)] == [
        ("signals/a.yaml", "bad-value"),
        ("signals/c.yaml", "bad-sentence"),
    ]


def test_a_wrong_metric_is_told_once_and_not_at_each_sentence(write: Write) -> None:
    root = write(
        metrics="logins:\n  count: evnts\n  says: [log-ins]\n", signals__a="signal: a\nwhen: log-ins below 2 per week\n"
    )
    assert one(root).file == "metrics.yaml"


def test_metrics_that_are_no_yaml_leave_the_sentences_for_later(write: Write) -> None:
    assert one(write(metrics="logins: [\n", signals__a=SEED)).file == "metrics.yaml"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a:\n  count: events\n  says: [visits]\nb:\n  count: events\n  says: [usage, Visits]\n", 6, "'a' and 'b'"),
        ("a:\n  count: events\nb:\n  name: A\n  count: events\n", 4, "'a' and 'b'"),
        ("page views:\n  count: events\npage_views:\n  count: tickets\n", 3, "'page views' and 'page_views'"),
        ("a:\n  count: events\na:\n  count: tickets\n", 3, "twice"),
    ],
)
def test_one_phrase_means_one_metric(write: Write, text: str, line: int, words: str) -> None:
    problem = one(write(metrics=text))
    assert (problem.line, problem.code in ("phrase-taken", "duplicate-key")) == (line, True)
    assert words in problem.message


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{count: events, sum: invoices}", "bad-value"),
        ("{}", "bad-value"),
        ("", "bad-value"),
        ("{sum: invoices}", "bad-value"),
        ("{count: events, of: amount}", "bad-value"),
        ("{count: event}", "bad-value"),
        ("{count: events, says: login}", "bad-value"),
        ("{count: events, says: ['5 stars']}", "bad-name"),
        ("{count: events, were: event = 'a'}", "unknown-key"),
        ("{count: events, where: \"event = 'a'; drop table events\"}", "bad-condition"),
        ("{count: events, where: event in (select 1)}", "bad-condition"),
        ("{count: events, where: count(*) > 1}", "bad-condition"),
        ("{count: events, where: \"read_text('/etc/passwd') = ''\"}", "bad-condition"),
        ("{count: events, where: \"getenv('HOME') = ''\"}", "bad-condition"),
        ("{count: events, where: evnt = 'a'}", "unknown-column"),
        ("{share: events, of: properties.amount + 1}", "bad-condition"),
        ("{mean: surveys, of: scre}", "unknown-column"),
    ],
)
def test_what_is_wrong_with_a_metric(write: Write, entry: str, code: str) -> None:
    problem = one(write(metrics=f"# line 1\nlogins: {entry}\n"))
    assert (problem.file, problem.line, problem.code) == ("metrics.yaml", 2, code), problem


def test_exclusions_are_checked_like_any_condition(write: Write) -> None:
    problem = one(write(beforehand="exclude:\n  people: ['*@us.com']\n  events: evnt = 'x'\n"))
    assert (problem.line, problem.code) == (3, "unknown-column")


def test_what_lies_in_signals_and_is_not_read_is_named(write: Write) -> None:
    root = write(signals__seed=SEED)
    for name in ("note.txt", "seed.yaml.bak"):
        (root / "signals" / name).write_text("x")
    for name in ("README.md", ".hidden", "seed.yaml~"):
        (root / "signals" / name).write_text("x")
    (root / "signals" / "old").mkdir()
    assert [(p.file, p.code) for p in problems(root)] == [
        (f"signals/{name}", "not-a-signal") for name in ("note.txt", "old", "seed.yaml.bak")
    ]


@pytest.mark.parametrize("name", ["metric.yaml", "metrics.yml", "outcome.yaml"])
def test_a_file_whose_name_is_nearly_right_is_named(write: Write, name: str) -> None:
    root = write()
    near = "metrics.yaml" if name.startswith("metric") else "outcomes.yaml"
    (root / near).rename(root / name)
    problem = one(root)
    assert (problem.file, problem.code) == (name, "misnamed-file")
    assert near in problem.hint


def test_files_of_other_use_are_left_alone(write: Write) -> None:
    root = write(signals__seed=SEED)
    for name in ("events.csv", "mapping.yaml", "roster.yaml", "notes.md"):
        (root / name).write_text("x")
    (root / "resources").mkdir()
    assert list(read_folder(root).signals) == ["seed"]


def test_a_workspace_of_settings_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "beforehand.yaml").write_text("")
    folder = read_folder(tmp_path)
    assert (folder.metrics, folder.signals, folder.outcomes) == ({}, {}, {})


def test_signals_as_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "beforehand.yaml").write_text("")
    (tmp_path / "signals").write_text("x")
    assert one(tmp_path).code == "not-a-folder"


def test_a_sentence_over_people_cannot_name_one_over_accounts(write: Write) -> None:
    root = write(
        signals__a="signal: a-a\nwhen: logins below 1 per week for people where role is admin\n",
        signals__b="signal: b-b\nwhen:\n  all of:\n    - tickets at least 1 per week\n    - a-a\n",
    )
    problem = one(root)
    assert (problem.file, problem.line, problem.code) == ("signals/b.yaml", 5, "other-subject")
