"""From an act written to its mail taken: how long it takes while some arrive a minute, and how many mails a second.

    .venv/bin/python bench/work.py [--minutes 1] [--a-minute 50] [--mails 1000]

The mail server is a real one (aiosmtpd) in this process; `work` is a process of its own, as people run it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from beforehand.channels import Chart, Facts, Headline, Message, Words
from beforehand.commands import Workspace
from beforehand.commands.handing import put_message
from beforehand.store.acts import SENT, find_acts

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "channels"))
from mail_server import Mailbox, serving

TARGET_S, TARGET_RATE = 2.0, 100
SETTINGS = """
name: Bench
channels:
  mail: {{kind: email, host: 127.0.0.1, port: {port}, security: none, sender: care@vendor.example, allow: 127.0.0.1}}
"""
WORK = "from beforehand.cli import main; main()"


class Timed(Mailbox):
    """A mailbox that also knows when each mail came."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    async def handle_DATA(self, *given: object) -> str:  # noqa: N802 - the name aiosmtpd looks for
        answer = await super().handle_DATA(*given)  # type: ignore[arg-type]
        self.at.append(time.time())
        return answer


def message(n: int, *, chart: bool) -> Message:
    """An alert's message, with or without its picture."""
    text = Words("Logins fell below 2 a week for 3 weeks in a row. " * 4)
    facts = Facts((("At stake", "£84k renews in 47 days"), ("Closes", "after two weeks in a row")))
    # Each its own picture: one that was drawn before is kept.
    values = tuple(float(14 + n / 1000 - k % 5) for k in range(26))
    shape = (Chart("Logins a week", values, ("May",) * 26, 11, 16, 2, (24, 25)),)
    return Message(
        f"Alert {n}", (Headline(f"Alert {n}", "high"), text, facts, *(shape if chart else ())), thread=f"{n}"
    )


def put(ws: Workspace, keys: range, *, chart: bool) -> None:
    with ws.state() as state, state.write() as session:
        for n in keys:
            put_message(session, ws.settings.channels, message(n, chart=chart), key=f"n{n}:1:mail", channel="mail",
                        recipient="ana@vendor.example", now=datetime.now(UTC))  # fmt: skip


def rate(ws: Workspace, box: Timed, first: int, mails: int, *, chart: bool) -> float:
    """Mails a second of one worker with all of them waiting; the start of the program is not counted."""
    put(ws, range(first, first + mails), chart=chart)
    before = len(box.at)
    # Not in this process, whose interpreter the server shares.
    command = [sys.executable, "-c", WORK, "work", "--once", "--json", "-w", str(ws.root)]
    subprocess.run(command, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)
    took = box.at[-1] - box.at[before]
    return (mails - 1) / took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--a-minute", type=int, default=50)
    parser.add_argument("--mails", type=int, default=1000)
    args = parser.parse_args()
    box = Timed()
    with serving(box) as (_, port), tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "beforehand.yaml").write_text(SETTINGS.format(port=port))
        ws = Workspace(root, "bench")
        plain = rate(ws, box, 0, args.mails, chart=False)
        drawn = rate(ws, box, args.mails, args.mails, chart=True)
        print(f"One worker, SQLite: {plain:.0f} mails/s, {drawn:.0f} mails/s with a chart; asked: {TARGET_RATE}")
        first, arrive = 2 * args.mails, round(args.minutes * args.a_minute)
        worker = subprocess.Popen([sys.executable, "-c", WORK, "work", "--json", "-w", str(root)],
                                  stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
        time.sleep(5.0)  # it is to be waiting, as it would be
        for n in range(first, first + arrive):
            put(ws, range(n, n + 1), chart=True)
            time.sleep(60 / args.a_minute)
        time.sleep(5.0)
        worker.terminate()
        worker.communicate()
        with ws.state() as state, state.read() as session:
            made = {act.ref: act.made_at.timestamp() for act in find_acts(session, states=[SENT], most=arrive)}
        came = {str(mail["Message-ID"]): at for mail, at in zip(box.mails, box.at, strict=True)}
        waits = sorted(came[str(ref)] - at for ref, at in made.items())
    middle, worst = statistics.median(waits), waits[int(len(waits) * 0.99)]
    print(
        f"{len(waits)} acts, {args.a_minute} a minute: median {middle:.2f} s from written to taken by the mail server, "
        f"99 of 100 within {worst:.2f} s; asked: a median below {TARGET_S:g} s"
    )
    return 0 if len(waits) == arrive and middle < TARGET_S and plain >= TARGET_RATE else 1


if __name__ == "__main__":
    sys.exit(main())
