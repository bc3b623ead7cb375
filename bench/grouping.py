"""How well and how fast texts are grouped by issue, beside TF-IDF and drain3 in the same run.

    OMP_NUM_THREADS=1 .venv/bin/python bench/grouping.py [lines] [issues] [intents] [speed]

Needs the real data; without it it says so and stops with 0. TF-IDF and drain3 are measured where scikit-learn and
drain3 are installed. Thresholds were set on the first half of openstack by time and the `val` part of clinc150; what is
printed is the second half and the `test` part. The rules for log lines were written with these nine systems in view:
on systems never seen the figure will be lower.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
import re
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from beforehand.text.fingerprint import template_of
from beforehand.text.grouping import DAY_US, Groups, Kept, Text
from beforehand.text.neighbours import Neighbours
from beforehand.text.templates import Templates
from beforehand.text.vectors import Seen, read, vector

DATA = Path(os.environ.get("BEFOREHAND_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
WITHIN = 180
EVERY = 2  # of the queries, to keep a run short


def main() -> None:
    if not DATA.is_dir():
        print(f"Skipped: the data folder {DATA} is not here.")
        return
    wanted = sys.argv[1:] or ["lines", "issues", "intents", "speed"]
    for name in wanted:
        {"lines": lines, "issues": issues, "intents": intents, "speed": speed}[name]()


def lines() -> None:
    """Grouping accuracy: the share of lines whose group is exactly the true group."""
    by: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in pq.read_table(DATA / "loghub" / "lines.parquet").to_pylist():
        by[row["system"]].append((row["content"], row["event_id"]))
    drain = find_spec("drain3") is not None
    print(f"{'grouping accuracy':<18}{'masking':>9}{'at once':>9}{'by line':>9}{'drain3':>9}")
    total: dict[str, list[float]] = defaultdict(list)
    for system, rows in by.items():
        said, true = [line for line, _ in rows], [event for _, event in rows]
        one_by_one = Templates()
        found: dict[str, Sequence[Any]] = {
            "masking": [template_of(line) for line in said],
            "at once": Templates().assign(said),
            "by line": [one_by_one.assign([line])[0] for line in said],
        }
        if drain:
            found["drain3"] = _drain(said)
        for name, groups in found.items():
            total[name].append(_accuracy(groups, true))
        print(f"{system:<18}" + "".join(f"{total[name][-1]:9.3f}" for name in found))
    print(f"{'mean':<18}" + "".join(f"{np.mean(values):9.3f}" for values in total.values()))


def _drain(said: list[str]) -> list[int]:
    from drain3 import TemplateMiner

    miner = TemplateMiner()
    return [miner.add_log_message(line)["cluster_id"] for line in said]


def _accuracy(groups: Sequence[Any], true: Sequence[Any]) -> float:
    ours, theirs = defaultdict(list), defaultdict(list)
    for at, (one, other) in enumerate(zip(groups, true, strict=True)):
        ours[one].append(at)
        theirs[other].append(at)
    return sum(len(members) for members in ours.values() if theirs[true[members[0]]] == members) / len(true)


def issues() -> None:
    """Recall of the same issue within 180 days, and precision and recall of pairs, on the later half of openstack."""
    rows = _openstack()
    half = len(rows) // 2
    asked = [at for at in _asked(rows) if at >= half][::EVERY]
    later = rows[half:]
    print(f"\nopenstack, later half: {len(asked):,} texts with an earlier one of their issue within {WITHIN} days")
    if find_spec("sklearn"):
        _say("TF-IDF", _tf_idf(rows, asked))
    plain = [Text(row["text"]) for row in rows]
    dated = [Text(row["text"], row["at"]) for row in rows]
    whole = [Text(row["text"], row["at"], row["user_id"], row["account"], row["repo"]) for row in rows]
    known = [Text(row["text"], row["at"], row["user_id"], row["account"]) for row in rows]
    for name, texts in (("words alone", plain), ("and time", dated), ("and person", known), ("and category", whole)):
        _say(name, _nearest(rows, texts, asked))
    for name, texts in (("words and time", dated), ("all", whole)):
        groups = Groups().assign(texts[half:])
        precision, recall = _pairs(groups, [row["issue_id"] for row in later])
        print(f"  pairs, {name:<15} precision {precision:.3f} at recall {recall:.3f}, {len(set(groups)):,} groups")


def _openstack() -> list[dict[str, Any]]:
    rows = pq.read_table(DATA / "openstack" / "issue_texts.parquet").to_pylist()
    rows.sort(key=lambda row: row["ts"])
    for row in rows:
        number = re.compile(rf"#?\b{row['issue_id']}\b")  # the answer may not stand in the question
        row["text"] = number.sub("", row["title"] or "") + "\n" + number.sub("", row["body"] or "")
        row["at"] = int(row["ts"].timestamp() * 1_000_000)
    return rows


def _asked(rows: list[dict[str, Any]]) -> list[int]:
    last: dict[int, int] = {}
    found = []
    for at, row in enumerate(rows):
        before = last.get(row["issue_id"])
        if before is not None and row["at"] - rows[before]["at"] <= WITHIN * DAY_US:
            found.append(at)
        last[row["issue_id"]] = at
    return found


def _nearest(rows: list[dict[str, Any]], texts: list[Text], asked: list[int]) -> tuple[float, float]:
    groups, wanted = Groups(), set(asked)
    in_index: list[int] = []
    first = five = 0
    start = max(0, asked[0] - 6_000)
    for at in range(start, len(rows)):
        if at in wanted:
            hits = [
                rows[in_index[number]]["issue_id"] == rows[at]["issue_id"]
                for number, _ in groups.nearest(texts[at], 12)
                if rows[at]["at"] - rows[in_index[number]]["at"] <= WITHIN * DAY_US
            ][:5]
            first += bool(hits) and hits[0]
            five += any(hits)
        left = len(groups.kept)
        groups.assign([texts[at]])
        in_index.extend([at] * (len(groups.kept) - left))
    return first / len(asked), five / len(asked)


def _tf_idf(rows: list[dict[str, Any]], asked: list[int]) -> tuple[float, float]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    made = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform([row["text"] for row in rows])
    at_us = np.array([row["at"] for row in rows])
    issue = np.array([row["issue_id"] for row in rows])
    first = five = 0
    for at in asked:
        begin = int(np.searchsorted(at_us, at_us[at] - WITHIN * DAY_US))
        near = (made[begin:at] @ made[at].T).toarray().ravel()
        hits = issue[begin + np.argsort(-near, kind="stable")[:5]] == issue[at]
        first += bool(hits[0])
        five += bool(hits.any())
    return first / len(asked), five / len(asked)


def _say(name: str, found: tuple[float, float]) -> None:
    print(f"  {name:<15} recall@1 {found[0]:.3f}  recall@5 {found[1]:.3f}", flush=True)


def _pairs(groups: Sequence[int], true: Sequence[Any]) -> tuple[float, float]:
    def pairs(keys: Iterable[Any]) -> int:
        return sum(size * (size - 1) // 2 for size in Counter(keys).values())

    together = pairs(zip(groups, true, strict=True))
    return together / max(pairs(groups), 1), together / pairs(true)


def intents() -> None:
    """The same need in other words: pairs of clinc150, part `test`."""
    with gzip.open(DATA / "clinc150" / "clinc150.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    random.Random(5).shuffle(rows)
    seen, index = Seen(), Neighbours()
    made = []
    for row in rows:
        found = read(row["text"])
        made.append(vector(found, seen))
        index.add(made[-1])
        seen.add(found)
    intent = np.array([row["intent"] for row in rows])
    same, near, plain = [], [], []
    if find_spec("sklearn"):
        from sklearn.feature_extraction.text import TfidfVectorizer

        tf_idf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform([row["text"] for row in rows])
    everybody = np.arange(len(rows))
    for at in range(0, len(rows), 15):
        others = everybody[everybody != at]
        near.append(index.cosines(made[at], others))
        same.append(intent[others] == intent[at])
        if find_spec("sklearn"):
            plain.append((tf_idf @ tf_idf[at].T).toarray().ravel()[others])
    truth = np.concatenate(same)
    print(f"\nclinc150, test: {len(truth):,} pairs, {truth.mean():.2%} of one intent")
    print(f"  AUC {_area(np.concatenate(near), truth):.3f}" + (
        f", TF-IDF {_area(np.concatenate(plain), truth):.3f}" if plain else ""
    ))  # fmt: skip
    groups = Groups().assign([Text(row["text"]) for row in rows])
    precision, recall = _pairs(groups, intent.tolist())
    print(f"  pairs precision {precision:.3f} at recall {recall:.3f}, {len(set(groups)):,} groups of 150 intents")


def _area(score: np.ndarray, truth: np.ndarray) -> float:
    order = np.argsort(score, kind="stable")
    _, place, size = np.unique(score[order], return_inverse=True, return_counts=True)
    ends = np.cumsum(size)
    ranks = np.empty(len(score))
    ranks[order] = (ends - (size - 1) / 2)[place]
    ones = int(truth.sum())
    return float((ranks[truth].sum() - ones * (ones + 1) / 2) / (ones * (len(truth) - ones)))


def speed(many: int = 100_000) -> None:
    """One new ticket among 100,000 of the window: titles and bodies of openstack, put together anew."""
    rows = _openstack()
    chance = random.Random(3)
    bodies = [row["body"] or "" for row in rows]
    groups = Groups()
    before = _memory()
    for number in range(many):
        text = f"{rows[number % len(rows)]['title']}\n{chance.choice(bodies)}"
        found = read(text)
        made = vector(found, groups.seen)
        groups.seen.add(found)
        groups.restore(Kept(made, number.to_bytes(12, "big"), number * 60_000_000, (1, number % 997, 1), number + 1))
    print(f"\n{len(groups):,} tickets in the index: {_memory() - before:,.0f} MB")
    took = []
    for number in range(1_000):
        text = Text(f"{chance.choice(rows)['title']}\n{chance.choice(bodies)}", (many + number) * 60_000_000)
        began = time.perf_counter()
        groups.assign([text])
        took.append((time.perf_counter() - began) * 1000)
    print(
        f"one ticket: median {np.median(took):.1f} ms, p99 {np.percentile(took, 99):.1f} ms, worst {max(took):.1f} ms"
    )


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
