"""The simulated company has people: they are found by the owners of accounts, and one is away and stood in for."""

from datetime import UTC, date, datetime
from pathlib import Path

from beforehand.commands.init import init
from beforehand.commands.people import Holders, failing_expectations, such_of, team_of, who_hears
from beforehand.simulate.names import OWNERS
from beforehand.simulate.team import ROUTES, write_team
from beforehand.workspace.folder import examine

END = date(2026, 6, 29)


def test_the_team_is_whole_and_its_cases_come_out(tmp_path: Path) -> None:
    init(tmp_path / "w", pack=True)
    write_team(tmp_path / "w", END)
    folder, problems = examine(tmp_path / "w")
    assert [str(p) for p in (*problems, *failing_expectations(folder))] == []
    team = team_of(folder)
    assert set(OWNERS) <= set(team.people) and {p.manager for p in team.people.values()} - {None} <= set(team.people)
    assert len({p.zone for p in team.people.values()}) >= 5 and team.budget("Ruth Adler") < team.budget("Lena Voss")
    at = datetime(2026, 6, 29, 10, tzinfo=UTC)
    found = who_hears(
        folder, Holders(team, at), "a", such_of(folder, "fewer-people", "high", "risk", {"owner": OWNERS[7]})
    )
    assert [one.person for one in found] == ["Ruth Adler"] and "Lena Voss is away until 2026-07-08" in found[0].why


def test_a_case_that_is_wrong_is_told(tmp_path: Path) -> None:
    init(tmp_path / "w", pack=True)
    write_team(tmp_path / "w", END)
    text = (tmp_path / "w/routes.yaml").read_text()
    assert "who: Ruth Adler" in ROUTES
    (tmp_path / "w/routes.yaml").write_text(text.replace("who: Ruth Adler", "who: Lena Voss"))
    (problem,) = failing_expectations(examine(tmp_path / "w")[0])
    assert "Lena Voss must hear, and Ruth Adler would" in problem.message


def test_the_starter_is_read_as_it_is_and_names_you(tmp_path: Path) -> None:
    made = init(tmp_path / "w", pack=True)
    assert {"team.yaml", "routes.yaml"} <= set(made["files"])
    folder, problems = examine(tmp_path / "w")
    assert [str(p) for p in (*problems, *failing_expectations(folder))] == []
    for severity, route in (("critical", "urgent"), ("low", "everything else")):
        such = such_of(folder, "fewer-people", severity, "risk", {"owner": "Somebody Else"})
        (one,) = who_hears(folder, Holders(team_of(folder), datetime(2026, 1, 5, tzinfo=UTC)), "a", such)
        assert (one.person, one.route) == ("You", route)


def test_what_is_commented_out_in_the_starter_is_right_too(tmp_path: Path) -> None:
    init(tmp_path / "w", pack=True)
    for name in ("team.yaml", "routes.yaml"):
        path = tmp_path / "w" / name
        lines = []
        for line in path.read_text().splitlines():
            bare = line.lstrip()
            key = bare[2:].split(" #")[0]
            is_key = (
                bare.startswith("# ") and not line.startswith("# ") and (":" in key or key.lstrip().startswith("- "))
            )
            lines.append(line.replace("# ", "", 1) if is_key else line)
        path.write_text("\n".join(lines) + "\n")
    folder, problems = examine(tmp_path / "w")
    assert [str(p) for p in (*problems, *failing_expectations(folder))] == []
    assert folder.team is not None and set(folder.team.people) == {"You", "Ben"} and folder.team.people["You"].email
    assert folder.routes is not None and len(folder.routes.routes) == 3
