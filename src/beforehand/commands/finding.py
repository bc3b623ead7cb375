"""What may be wrong with the data as of a run: the detection of `incidents` over what the facts and the panel say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from beforehand.calendar import HOUR_US, Grain, to_datetime, to_us, zone_named
from beforehand.incidents import (
    ACTIVE,
    BEFORE,
    EXCLUDED,
    LIKE,
    REACH,
    Changed,
    Effect,
    Kind,
    Pulse,
    Shares,
    Silence,
    Together,
    changed,
    covers,
    hour_of,
    in_its_place,
    lateness,
    moved_together,
    rests,
    shares,
    silences,
    vanished,
    width,
)
from beforehand.incidents.pulse import LATE_HOURS
from beforehand.incidents.together import LEAST_ACCOUNTS
from beforehand.signals import quantities_of, widths_of
from beforehand.signals.numbers import Int, MetricFailed
from beforehand.signals.tree import Quantity
from beforehand.story import words

if TYPE_CHECKING:
    from beforehand.facts import Facts
    from beforehand.panel import Sheet
    from beforehand.signals import Signal
    from beforehand.workspace import Folder

BLOCK = 2_000
TESTED = {Grain.HOUR: 24, Grain.DAY: 28, Grain.WEEK: 8}
"""How many of the newest closes are looked at for accounts that moved together."""
EVERYTHING = "everything"
FIRST_LOOK_HOURS = 28 * 24
MARGIN_HOURS = 24
WENT_ON = 0.2
"""What has this share of its usual amount goes on."""
LARGE_SHARE = 0.2
"""A vanished event that was so large a part of all touches what counts events of every kind."""
VERSIONS = ("version", "app_version", "$lib_version", "context.library.version")
VERSION_DAYS, VERSION_SHARE, NEAR_US = 7, 0.3, 48 * HOUR_US
GRAIN_SAID = {Grain.HOUR: "hour", Grain.DAY: "day", Grain.WEEK: "week"}
COUNTED = frozenset({"count", "people", "distinct"})


@dataclass(frozen=True)
class Found:
    """One thing found. `key` is what it is about; times are UTC microseconds; `metrics` are those it makes doubtful."""

    kind: Kind
    key: str
    what: str
    effect: Effect
    metrics: frozenset[str]
    since_us: int
    until_us: int | None
    sure: float
    headline: str
    numbers: dict[str, Any]
    source: str | None = None
    table: str | None = None
    event: str | None = None
    grain: Grain | None = None


@dataclass
class Moved:
    """What the sheets of a run say of accounts that moved together; shown each sheet by `judging.judged`."""

    folder: Folder
    kinds: Collection[Kind]
    found: dict[tuple[str, Grain, str, int], tuple[Together, int]] = field(default_factory=dict)
    tested: dict[tuple[str, Grain], list[int]] = field(default_factory=dict)

    def __call__(self, sheet: Sheet, signals: Sequence[Signal], grace_us: int) -> None:
        """Looks at every metric that these signals read of accounts, by the grain they read it."""
        if sheet.subjects.kind != "account" or not {"drop", "jump"} & set(self.kinds):
            return
        named = self.folder.signals
        asked = {
            (replace(quantity, per_active=False, rolling_days=None), grain)
            for signal in signals
            for quantity, grain in quantities_of(signal, named)
            if grain in LIKE and not quantity.standing and quantity.role is None
        }
        hours = max((w for s in signals for (_, g), w in widths_of(s, named).items() if g is Grain.HOUR), default=0)
        for quantity, grain in sorted(asked, key=repr):
            closes = sheet.closes.get(grain)
            if closes is None or not closes.count or (grain is Grain.HOUR and hours < width(grain)):
                continue
            try:
                self._look(sheet, quantity, grain, grace_us)
            except MetricFailed:
                continue

    def _look(self, sheet: Sheet, quantity: Quantity, grain: Grain, grace_us: int) -> None:
        spec = self.folder.metrics[quantity.metric]
        counted = quantity.made is not None or spec.aggregate in COUNTED
        back = TESTED[grain] + BEFORE[grain]
        whole: Shares | None = None
        ends: Int = np.empty(0, np.int64)
        for _, block in sheet.blocks(BLOCK):
            # First looks alone: what came late would make the older periods larger than the newest one.
            series = block.firsts(quantity, grain, width(grain))
            windows = sliding_window_view(series, width(grain), axis=1)[:, -back:]
            idle = block.idle(grain, 1)[:, -back:, 0]
            part = shares(windows, grain, counted, idle)
            whole = part if whole is None else whole + part
            ends = block.ends(grain)[-back:]
        if whole is None or not ends.size:
            return
        tested = min(TESTED[grain], len(ends))
        self.tested[quantity.metric, grain] = [int(end) for end in ends[-tested:]]
        for one in moved_together(whole, tested, BEFORE[grain]):
            if one.kind in self.kinds:
                self.found[quantity.metric, grain, one.kind, int(ends[one.q])] = (one, int(ends[one.q]) + grace_us)


@dataclass
class Feeds:
    """The pulses of all feeds and of their events, read once a run."""

    facts: Facts
    feeds: dict[tuple[str, str], Pulse]
    events: dict[str, dict[str, Pulse]] = field(default_factory=dict)
    rest: dict[tuple[str, str], Pulse] = field(default_factory=dict)
    event_rest: dict[str, dict[str, Pulse]] = field(default_factory=dict)
    _all: Pulse | None = None

    @classmethod
    def read(cls, facts: Facts, now_us: int) -> Feeds:
        """Brings the counts up to date and reads them."""
        from beforehand.facts import pulses

        pulses.refresh(facts, now_us, LATE_HOURS)
        found = cls(facts, {feed: _pulse(sparse) for feed, sparse in pulses.feeds(facts)})
        if len(found.feeds) > 1:
            found.rest = {feed: found.all.without(pulse) for feed, pulse in found.feeds.items()}
        return found

    @property
    def all(self) -> Pulse:
        """Everything that comes."""
        if self._all is None:
            self._all = Pulse.together(self.feeds.values())
        return self._all

    def of(self, source: str) -> dict[str, Pulse]:
        """The frequent events of a source."""
        from beforehand.facts import pulses

        if source not in self.events:
            self.events[source] = {name: _pulse(sparse) for name, sparse in pulses.events(self.facts, source)}
            self.event_rest[source] = rests(self.events[source])
        return self.events[source]


def _pulse(sparse: tuple[Int, Int, Int]) -> Pulse:
    hour, late, count = sparse
    return Pulse.of(hour, lateness(late), count)


def silent(
    feeds: Feeds, folder: Folder, moments: Sequence[int], last_us: int | None, kinds: Collection[Kind]
) -> Iterator[Found]:
    """Feeds and events that were silent at one of these moments (UTC microseconds), each silence once."""
    if not feeds.feeds or not {"feed", "tracking"} & set(kinds):
        return
    zone = zone_named(folder.settings.zone)
    found: dict[tuple[str, int], Found] = {}
    before = None if last_us is None else hour_of(last_us)
    for moment in moments:
        at = hour_of(moment)
        back = FIRST_LOOK_HOURS if before is None else at - before + MARGIN_HOURS
        gone: dict[tuple[str, str], list[Silence]] = {}
        everything = silences(feeds.all, at, back) if len(feeds.feeds) > 1 else []
        everything = [one for one in everything if _nothing_beside(feeds, one, at, back)]
        for one in everything:
            if any(_many(feeds, feed, one) for feed in feeds.feeds):
                _keep(found, _feed_found(None, one, folder, zone))
        for feed, pulse in feeds.feeds.items():
            own = silences(pulse, at, back, feeds.rest.get(feed))
            gone[feed] = own + everything
            for one in own:
                if _many(feeds, feed, one):
                    _keep(found, _feed_found(feed, one, folder, zone))
        for table, source in feeds.feeds:
            if table == "events" and "tracking" in kinds:
                names = feeds.of(source)
                found_gone = vanished(names, feeds.event_rest[source], gone[table, source], at, back)
                for name, some in found_gone.items():
                    for one in some:
                        _keep(found, _event_found(feeds, source, name, one, at, folder, zone))
        before = at
    # An event may be missed hours before its whole feed is, a feed before everything: then the larger one is silent.
    wholes = [seen for seen in found.values() if seen.kind == "feed"]
    yield from (
        seen for seen in found.values() if seen.kind in kinds and not any(_holds(whole, seen) for whole in wholes)
    )


def _holds(whole: Found, part: Found) -> bool:
    """Whether an event was silent because its feed was, or a feed because everything was, as known at last."""
    larger = is_larger((whole.table, whole.source, whole.event), (part.table, part.source, part.event))
    return larger and covers(_hours(whole), _hours(part))


Place = tuple[str | None, str | None, str | None]


def is_larger(whole: Place, part: Place) -> bool:
    """Whether (table, source, event), none of which is all, holds another one and more."""
    return whole != part and all(one in (None, other) for one, other in zip(whole, part, strict=True))


def _nothing_beside(feeds: Feeds, one: Silence, at: int, back: int) -> bool:
    """Whether the largest feed was silent then, and all others were too for as long: else it alone is."""
    largest = max(feeds.feeds, key=lambda feed: feeds.feeds[feed].total)
    rest = feeds.rest[largest]
    for own in silences(feeds.feeds[largest], at, back, rest):
        if not covers((own.since, own.until), (one.since, one.until)):
            continue
        until = at if own.until is None else own.until
        cells = rest.until(at, 1, at - own.since + FIRST_LOOK_HOURS)
        hour = np.arange(len(cells)) + cells.first
        before, during = cells.counts[hour < own.since], cells.counts[(hour >= own.since) & (hour < until)]
        usual = float(before.mean()) * (until - own.since) if len(before) else 0.0
        return int(during.sum()) < max(1.0, WENT_ON * usual)
    return False


def _hours(one: Found) -> tuple[int, int | None]:
    return one.since_us // HOUR_US, None if one.until_us is None else one.until_us // HOUR_US


def _keep(found: dict[tuple[str, int], Found], one: Found | None) -> None:
    """The newest look at a silence is the one that counts; it began where it was first seen to."""
    if one is not None:
        known = found.get((one.key, one.since_us))
        found[one.key, one.since_us] = one if known is None else replace(one, sure=max(one.sure, known.sure))


def _many(feeds: Feeds, feed: tuple[str, str], one: Silence) -> bool:
    """Whether a feed was about enough accounts that they do not just all happen to be quiet."""
    from beforehand.facts import pulses

    since_us = one.since * HOUR_US
    before_us = since_us - FIRST_LOOK_HOURS * HOUR_US
    return len(pulses.accounts_of(feeds.facts, feed, before_us, since_us)) >= LEAST_ACCOUNTS


def _feed_found(feed: tuple[str, str] | None, one: Silence, folder: Folder, zone: ZoneInfo) -> Found:
    table, source = feed or (None, None)
    metrics = {name for name, spec in folder.metrics.items() if table is None or spec.table == table}
    metrics |= {ACTIVE} if table in (None, "events") else set()
    what = EVERYTHING if feed is None else f"{table} from {source}"
    came = "Nothing came from anywhere" if feed is None else f"No {table} came from {source}"
    return Found(
        kind="feed", key=f"feed/{table or '*'}/{source or '*'}", what=what, effect="less", metrics=frozenset(metrics),
        since_us=one.since * HOUR_US, until_us=None if one.until is None else one.until * HOUR_US, sure=one.sure,
        headline=f"{came} {_from_to(one, zone)}; {_usual(one)}.", numbers=_silence_numbers(one),
        source=source, table=table,
    )  # fmt: skip


def _event_found(
    feeds: Feeds, source: str, name: str, one: Silence, at: int, folder: Folder, zone: ZoneInfo
) -> Found | None:
    """An event that vanished, where most of those who were active used it."""
    from beforehand.facts import pulses

    since_us = one.since * HOUR_US
    month_us = since_us - FIRST_LOOK_HOURS * HOUR_US
    feed = ("events", source)
    used = len(pulses.accounts_of(feeds.facts, feed, month_us, since_us, name))
    active = len(pulses.accounts_of(feeds.facts, feed, month_us, since_us))
    if used < max(LEAST_ACCOUNTS, REACH * active):
        return None
    names = feeds.of(source)
    share = names[name].total / max(1, feeds.feeds[feed].total)
    instead = in_its_place(names, name, one.since, one.until or at)
    version = version_near(feeds.facts, source, since_us)
    headline = f"`{name}` stopped coming {_from_to(one, zone)} while other events went on; {_usual(one)}."
    if instead is not None:
        headline += f" `{instead}` began then: a new name?"
    if version is not None:
        headline += f" {version['property']} {version['value']} began then."
    numbers = _silence_numbers(one) | {"accounts_using": used, "accounts_active": active}
    numbers |= {"instead": instead} if instead else {}
    numbers |= {"version": version} if version else {}
    return Found(
        kind="tracking", key=f"tracking/{source}/{name}", what=f"event {name} from {source}", effect="less",
        metrics=frozenset(reading_event(folder, name, share)), since_us=since_us,
        until_us=None if one.until is None else one.until * HOUR_US, sure=one.sure, headline=headline,
        numbers=numbers, source=source, table="events", event=name,
    )  # fmt: skip


def reading_event(folder: Folder, name: str, share: float) -> Iterator[str]:
    """The metrics that would miss an event: those that name it, and, where it is large, those that name none."""
    literal = "'" + name.replace("'", "''") + "'"
    for metric, spec in folder.metrics.items():
        if spec.table != "events":
            continue
        text = f"{spec.where or ''} {spec.of or ''}"
        if literal in text or (share >= LARGE_SHARE and not re.search(r"\bevent\b", text)):
            yield metric
    if share >= LARGE_SHARE:
        yield ACTIVE


def version_near(facts: Facts, source: str, since_us: int) -> dict[str, Any] | None:
    """The value of a version property that began near a moment and is now on many events, or None."""
    from beforehand.facts import pulses

    span = VERSION_DAYS * 24 * HOUR_US
    said = pulses.versions(facts, source, VERSIONS, since_us - span, since_us + span)
    after = sum(count for _, _, count, seen in said if seen >= since_us - NEAR_US)
    for name, value, count, seen in said:
        if abs(seen - since_us) <= NEAR_US and count >= VERSION_SHARE * max(1, after) and len(said) > 1:
            return {"property": name, "value": value, "first_seen_at": to_datetime(seen).isoformat(), "events": count}
    return None


def redefined(
    before: Mapping[str, Mapping[str, Any]] | None, now: Mapping[str, Mapping[str, Any]], since: datetime | None,
    at: datetime, folder: Folder,
) -> Iterator[tuple[Found, Changed]]:  # fmt: skip
    """Metrics, or what is left out of all of them, that mean something else than at the last run."""
    for change in changed(before or {}, now):
        whole = change.what == EXCLUDED
        keys = ", ".join(
            f"`{key}` was {_said(change.before[key])}, is {_said(change.after[key])}" for key in change.before
        )
        what = "what is left out" if whole else f"metric {change.what}"
        yield (
            Found(
                kind="definition",
                key=f"definition/{change.what}",
                what=what,
                effect="any",
                metrics=frozenset([*folder.metrics, ACTIVE] if whole else [change.what]),
                since_us=to_us(since or at),
                until_us=to_us(at),
                sure=1.0,
                headline=f"{what[0].upper()}{what[1:]} changed since the last run: {keys}.",
                numbers={"before": change.before, "after": change.after},
            ),
            change,
        )


def definitions_of(folder: Folder) -> dict[str, dict[str, Any]]:
    """What every metric means, and what is left out, as plain data that can be compared."""
    meant = {
        name: spec.model_dump(mode="json", exclude={"name", "says"}, exclude_defaults=True)
        for name, spec in folder.metrics.items()
    }
    return {**meant, EXCLUDED: folder.settings.exclude.model_dump(mode="json", exclude_defaults=True)}


def together(moved: Moved, facts: Facts, folder: Folder, kinds: Collection[Kind]) -> Iterator[tuple[Found, int]]:
    """Closes at which most accounts moved together, those of neighbouring closes as one, with when each was known."""
    zone = zone_named(folder.settings.zone)
    runs: dict[tuple[str, Grain, str], list[tuple[int, int, Together]]] = {}
    for (metric, grain, kind, end), (one, known) in sorted(moved.found.items(), key=lambda item: item[0][3]):
        runs.setdefault((metric, grain, kind), []).append((end, known, one))
    for (metric, grain, _), some in runs.items():
        ends = moved.tested[metric, grain]
        group: list[tuple[int, int, Together]] = []
        for end, known, one in some:
            if group and ends.index(end) != ends.index(group[-1][0]) + 1:
                yield _together_found(metric, grain, group, ends, facts, folder, zone, kinds)
                group = []
            group.append((end, known, one))
        if group:
            yield _together_found(metric, grain, group, ends, facts, folder, zone, kinds)


def _together_found(
    metric: str, grain: Grain, group: Sequence[tuple[int, int, Together]], ends: Sequence[int], facts: Facts,
    folder: Folder, zone: ZoneInfo, kinds: Collection[Kind],
) -> tuple[Found, int]:  # fmt: skip
    from beforehand.calendar import period_of, start_of

    first, (last, known, one) = group[0], group[-1]
    number = period_of(grain, zone, np.array([first[0] - 1]))
    since_us = int(start_of(grain, zone, number)[0])
    kind: Kind = one.kind
    spec = folder.metrics[metric]
    said = "fell" if kind == "drop" else "rose"
    day = f"{to_datetime(last - 1).astimezone(zone):%-d %B %Y}"
    span = (
        f"in the {GRAIN_SAID[grain]} to {day}" if len(group) == 1 else f"in {len(group)} {GRAIN_SAID[grain]}s to {day}"
    )
    headline = (
        f"{words.number(one.moved)} of {words.number(one.could)} accounts {said} together {span}: {spec.name or metric}"
        f" {words.number(round(one.total))}, where {words.number(round(one.usual_total))} are usual."
    )
    numbers: dict[str, Any] = {
        "moved": one.moved, "accounts": one.could, "usual_share": round(one.usual_share, 3),
        "total": round(one.total, 3), "usual_total": round(one.usual_total, 3), "closes": len(group),
    }  # fmt: skip
    if spec.table == "events" and "tracking" in kinds:
        for source in facts.sources("events"):
            version = version_near(facts, source, since_us)
            if version is not None:
                kind = "tracking"
                numbers["version"] = version
                headline += f" {version['property']} {version['value']} began then."
                break
    return (
        Found(
            kind=kind,
            key=f"{one.kind}/{metric}/{grain.value}",
            what=f"{metric} by {GRAIN_SAID[grain]}",
            effect="less" if one.kind == "drop" else "more",
            metrics=frozenset([metric]),
            since_us=since_us,
            until_us=None if last == ends[-1] else last,
            sure=max(step[2].sure for step in group),
            headline=headline,
            numbers=numbers,
            table=spec.table,
            grain=grain,
        ),
        known,
    )


def _silence_numbers(one: Silence) -> dict[str, Any]:
    return {
        "expected": one.expected, "usual_gap_hours": one.usual_hours,
        "sure_at": to_datetime(one.sure_at * HOUR_US).isoformat(),
    }  # fmt: skip


def _from_to(one: Silence, zone: ZoneInfo) -> str:
    since = to_datetime(one.since * HOUR_US).astimezone(zone)
    if one.until is None:
        return f"since {since:%-d %B %Y, %H:%M}"
    return f"from {since:%-d %B %Y, %H:%M} to {to_datetime(one.until * HOUR_US).astimezone(zone):%-d %B, %H:%M}"


def _usual(one: Silence) -> str:
    missing = f"about {words.number(one.expected)} would have come"
    if not one.usual_hours:
        return missing
    gap = f"{one.usual_hours} hours" if one.usual_hours < 72 else f"{round(one.usual_hours / 24)} days"
    return f"{missing}, and the longest usual gap is {'an hour' if one.usual_hours == 1 else gap}"


def _said(value: Any) -> str:
    return "nothing" if value is None else f"{value!r}"
