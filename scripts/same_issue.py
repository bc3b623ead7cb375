"""Of the demo: an account with several tickets on one issue, quoted, and who sees the same error and is silent."""

from __future__ import annotations

from walk import Walk

TICKETS, TRIED = 3, 12


def show_issue(walk: Walk) -> None:
    """The issue that most accounts meet in silence, of those about which one account wrote at least three tickets."""
    walk.title("Three tickets on one issue")
    walk.say(
        "Tickets and errors are grouped by what they say, as they arrive. Three tickets about the same issue are\n"
        "not a support problem; and whoever sees the same error and has not written can be told before they do.\n"
    )
    listed = walk.ask("issues", typed=True)["issues"]
    wanted = sorted(
        (row for row in listed if row["tickets"] >= TICKETS), key=lambda row: (-row["unwritten"], row["issue"])
    )
    for row in wanted[:TRIED]:
        touched = walk.ask("issues", "show", str(row["issue"]))["touched"]
        most = max(touched, key=lambda account: account["tickets"])
        if most["tickets"] >= TICKETS:
            walk.say(f"{most['account']} has {most['tickets']} tickets on issue {row['issue']}.\n")
            walk.show("issues", "show", str(row["issue"]))
            return
    walk.say("No account has three tickets on one issue here; `beforehand issues` lists what there is.\n")
