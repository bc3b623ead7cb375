"""Measures the library on the simulated company and writes what came out beside it; the page is made by `make docs`.

.venv/bin/python scripts/library.py [--accounts 300] [--days 540] [--seed 7] [--end 2026-06-29]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from walk import ROOT, Walk

from beforehand.commands.library import pack
from beforehand.simulate.measure import measured, read_truth

RECORDS = ROOT / "src/beforehand/library/records.json"
KEPT = ("episodes", "right", "too_late", "unfinished", "precision", "recall", "episodes_per_week", "base_rate", "lift")
END = "2026-06-29"


def main() -> int:
    """Makes the company, tests every signal of the pack on it, and writes the records."""
    read = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("accounts", "300"), ("days", "540"), ("seed", "7"), ("end", END)):
        read.add_argument(f"--{name}", default=usual)
    asked = read.parse_args()
    size = {name: str(getattr(asked, name)) for name in ("accounts", "days", "seed", "end")}
    with tempfile.TemporaryDirectory(prefix="beforehand-library-") as base:
        walk = Walk(Path(base))
        made = walk.ask("simulate", "company", *(word for name, value in size.items() for word in (f"--{name}", value)))
        walk.folder = Path(base) / "company"
        for line in made["next"]:
            if line.startswith("load "):
                walk.show(*line.split(), quiet=True)
        told = walk.ask("backtest", "--episodes", typed=True)
        kinds = measured(read_truth(walk.folder), told)
    command = "beforehand simulate company " + " ".join(f"--{name} {value}" for name, value in size.items())
    records = {
        "measured": {"command": command, **{name: size[name] for name in ("accounts", "days", "seed")}},
        "signals": {row["signal"]: kept(row) for row in told["signals"] if row["signal"] in pack().signals},
        "kinds": [{**asdict(kind), "missed": kind.missed} for kind in kinds],
    }
    RECORDS.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"Wrote {RECORDS.relative_to(ROOT)}; now `make docs` writes the page.")
    return 0


def kept(row: dict[str, Any]) -> dict[str, Any]:
    """What of a row of `backtest` is shipped."""
    rivals = {name: {key: rival[key] for key in ("precision", "recall")} for name, rival in row["rivals"].items()}
    untouched = {key: row["untouched"][key] for key in ("episodes", "right", "unfinished", "precision")}
    short: dict[str, Any] = rounded(
        {**{key: row[key] for key in KEPT}, "lead_days": row["lead_days"], "rivals": rivals, "untouched": untouched}
    )
    return short


def rounded(value: Any) -> Any:
    """Figures with four digits behind the point, in whatever holds them."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
