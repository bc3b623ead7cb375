"""One step of a run done: what is written, to whom it goes, what keeps it back. It decides; `playing` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from beforehand.channels.message import Facts, Headline, Link, Message, Words
from beforehand.commands.at_account import AtAccount, Person, their_time
from beforehand.commands.at_accounts import Accounts
from beforehand.commands.naming import names_for
from beforehand.commands.people import Holders
from beforehand.errors import InputError
from beforehand.playbooks import Asked, Book, Kept, Line, arm_of, find_resource, kept_back, render
from beforehand.playbooks.book import to_customer
from beforehand.playbooks.guards import HELD_OUT
from beforehand.store.run_batch import RunBatch
from beforehand.workspace.people import recipient
from beforehand.workspace.playbook_spec import (
    MANAGER,
    OWNER,
    CallStep,
    DraftStep,
    EscalateStep,
    OfferStep,
    SendStep,
    SetStep,
    TaskStep,
)
from beforehand.workspace.working import business_time

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from beforehand.facts import Facts as Known
    from beforehand.store import Alert, Run
    from beforehand.workspace import Folder

MAIL = "email"


@dataclass(frozen=True)
class Told:
    """Something to be handed over or listed: an act, without its key. `channel` blank: it is only listed."""

    kind: str
    recipient: str
    channel: str = ""
    message: Message | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    outward: bool = False


@dataclass(frozen=True)
class Done:
    """What doing a step comes to: where it goes, what its line says, what is told; `kept` by a guard, or the end."""

    to: str
    details: Mapping[str, Any] = field(default_factory=dict)
    told: Sequence[Told] = ()
    kept: Kept | None = None
    person: str | None = None
    held_out: bool = False


@dataclass
class Stage:
    """What steps need of a run's account, read when it is asked for."""

    facts: Known
    folder: Folder
    session: Session
    holders: Holders
    book: Book
    run: Run
    alert: Alert | None
    at: datetime
    supposed: Sequence[tuple[str, datetime]] = ()
    """What a simulation supposes to have been sent on the way it is on: to whom, and when."""
    among: Accounts | None = None
    beside: RunBatch | None = None
    """The accounts and runs that are looked at together with this one, None where it is alone."""

    @cached_property
    def here(self) -> AtAccount:
        """The account as it is known now."""
        return self.accounts.of(self.run.account)

    @cached_property
    def accounts(self) -> Accounts:
        """Its account among those that are looked at together."""
        return self.among or Accounts(self.facts, [self.run.account], self.at)

    @cached_property
    def batch(self) -> RunBatch:
        """Its run among those that are moved together."""
        return self.beside or RunBatch(self.session, [self.run])

    @cached_property
    def incident(self) -> str | None:
        """The incident that is open and speaks of what the alert reads, in words."""
        for found in self.batch.incidents:
            if not found.signals or self.alert is None or self.alert.signal in found.signals:
                return found.headline
        return None

    def teammate(self, wanted: Sequence[str]) -> str:
        """Who of us it is: the first who is found of those wanted, else the run's owner; else as it is called."""
        return next((who for role in wanted if (who := self._one_of_us(role))), None) or self.run.owner or wanted[0]

    def nobody(self, wanted: Sequence[str]) -> str | None:
        """That nobody of those wanted is found, in words; None where somebody is."""
        if any(self._one_of_us(role) for role in wanted):
            return None
        return f"Nobody is {' or '.join(wanted)}, so this comes to {self.teammate(wanted)}."

    def _one_of_us(self, role: str) -> str | None:
        """The run's owner, their manager, the holder of a role, or a person of that name."""
        team = self.holders.team
        if role == OWNER:
            return self.run.owner
        if role == MANAGER and MANAGER not in team.roles:
            at = team.named(self.run.owner or "")
            above = team.people[at].manager if at is not None else None
            while above is not None and team.left(above, self.at):
                above = team.people[above].manager
            return above
        if role in team.people and role not in team.roles:
            return None if team.left(role, self.at) else role
        return self.holders.of(role, self.run.account, self.here.traits).person

    def reader(self, step: str) -> Person | None:
        """Whom the next draft after a step is for, where it is for somebody at the account."""
        behind = list(self.book.steps.values())[self.book.order[step] + 1 :]
        to = next((s.to for s in behind if isinstance(s, DraftStep) and any(to_customer(one) for one in s.to)), None)
        return None if to is None else self.here.receiver(to, self.run.scope)

    def in_place_of(self, name: str) -> tuple[str, str]:
        """Who of us hears in the place of who is away or has left, and why; themselves and '' where they are there."""
        person = self.holders.team.named(name)
        reach = self.holders.team.reach(person, self.at) if person is not None else None
        if reach is None or reach.person is None or reach.person == person:
            return name, ""
        return reach.person, f"You stand in: {reach.why}."

    def team_address(self, name: str, by: str | None = None) -> tuple[str, str] | None:
        """The channel and the address by which one of us is reached, that of the name `by` first; None where by none.

        Somebody who is not in team.yaml is reached by mail, where they are called by their address.
        """
        person = self.holders.team.people.get(name) or self.holders.team.people.get(self.holders.team.named(name) or "")
        settings = self.folder.settings
        if person is None:
            mail = mail_of(self.folder, None)
            return (mail, name) if mail and "@" in name else None
        for channel in [*([by] if by else []), *person.channels, *settings.channels]:
            address = recipient(person, channel, settings) if channel in settings.channels else None
            if address:
                return channel, address
        return None

    def context(self, lines: Sequence[Line], person: Person | None = None, else_called: str = "") -> dict[str, Any]:
        """What templates may name; see `playbooks.templates.NAMES`."""
        return names_for(self, lines, person, else_called)


def mail_of(folder: Folder, named: str | None) -> str | None:
    """The channel for mails: the one named, else the first of that kind."""
    channels = folder.settings.channels
    return named or next((name for name, spec in channels.items() if spec.kind == MAIL), None)


def do(stage: Stage, name: str, lines: Sequence[Line]) -> Done:
    """Does a step; InputError where a text cannot be written or a channel is missing."""
    book, step = stage.book, stage.book.steps[name]
    arm = _exposed(stage)
    if arm == HELD_OUT:
        why = "The account is in the arm for which nothing is done, so that the effect can be told."
        return Done("end", kept=Kept("holdout", why), held_out=True)
    on = book.next(name)
    match step:
        case TaskStep() | CallStep():
            return _ask_of_us(stage, name, step, lines)
        case DraftStep():
            return _draft(stage, step, lines, on)
        case SendStep():
            return _send(stage, name, step, lines)
        case EscalateStep():
            who, nobody = stage.teammate(step.to), stage.nobody(step.to)
            text = "\n\n".join(part for part in (nobody, render(step.escalate, stage.context(lines))) if part)
            details = {"to_whom": who, "text": text} | ({"why": nobody} if nobody else {})
            return Done(on, details, [tell(stage, who, f"Escalated: {_title(stage)}", text)])
        case OfferStep():
            alert = stage.alert
            shelf = stage.folder.shelf.resources
            feature = stage.folder.settings.feature
            about = stage.accounts.about(
                stage.run.account, feature, alert.signal if alert else "", stage.run.scope, stage.folder.events
            )
            reader = stage.reader(name)
            language = (reader.language if reader else "") or stage.here.traits.get("language") or "en"
            found = shelf.get(step.offer) or find_resource(shelf.values(), about, step.offer, language)
            if found is None:
                return Done(book.next(name, step.otherwise), {"why": "No resource fits."})
            said = {"name": found.resource, "title": found.title, "link": found.link or "", "body": found.body or "",
                    "language": found.language}  # fmt: skip
            return Done(on, {"resource": said})
        case SetStep():
            context = stage.context(lines)
            return Done(on, {"set": {key: render(text, context) for key, text in step.set.items()}})
    raise AssertionError(f"{step.key} is no step that does anything")


def tell(stage: Stage, who: str, subject: str, text: str, purpose: str = "task", by: str | None = None) -> Told:
    """A message to one of us, by the channel of the name `by`, else by whatever reaches them; else it is listed."""
    who, instead = stage.in_place_of(who)
    text = f"{text}\n\n{instead}" if instead else text
    reached = stage.team_address(who, by)
    payload = {"subject": subject, "text": text, "account": stage.run.account, "playbook": stage.run.playbook}
    if reached is None:
        return Told("task", who, payload=payload)
    blocks = (Headline(subject, stage.alert.severity if stage.alert else ""), Words(text))
    message = Message(subject, blocks, purpose=purpose, thread=f"run-{stage.run.number}", meta=_meta(stage))  # type: ignore[arg-type]
    return Told("message", reached[1], reached[0], message)


def _exposed(stage: Stage) -> str | None:
    """The arm of the account, stored now if we would act on it for the first time; None where nobody is held out."""
    holdout = stage.book.spec.holdout
    if holdout is None:
        return None
    stored = stage.batch.arm_stored(stage.book.name, stage.run.account, holdout.salt)
    if stored is not None:
        return stored
    value = stage.here.value
    if stage.incident or (holdout.never_above is not None and value is not None and value > holdout.never_above):
        return None
    arm = arm_of(stage.run.account, stage.book.name, holdout.salt, holdout.share)
    return stage.batch.expose(stage.run, salt=holdout.salt, arm=arm, share=holdout.share, at=stage.at)


def _ask_of_us(stage: Stage, name: str, step: TaskStep | CallStep, lines: Sequence[Line]) -> Done:
    due = step.within.after(stage.at, business_time(stage.folder.settings)) if step.within else None
    person = stage.here.receiver(step.to, stage.run.scope) if isinstance(step, CallStep) else None
    else_called = " or ".join(step.to) if isinstance(step, CallStep) else ""
    text = render(step.task if isinstance(step, TaskStep) else step.call, stage.context(lines, person, else_called))
    wanted = step.to if isinstance(step, TaskStep) else (OWNER,)
    who, nobody = stage.teammate(wanted), stage.nobody(wanted) if isinstance(step, TaskStep) else None
    if isinstance(step, CallStep) and step.channel is not None:
        return _call_system(stage, name, step.channel, text, lines)
    payload: dict[str, Any] = {"subject": _title(stage), "text": text, "account": stage.run.account,
                               "playbook": stage.run.playbook, "by": due.isoformat() if due else None}  # fmt: skip
    if isinstance(step, CallStep):
        payload["whom"] = (person.name or person.email or person.id) if person else ", ".join(step.to)
    told = Told(step.key, who, payload=payload)
    details = {"to_whom": who, "text": text} | ({"by": payload["by"]} if due else {})
    return Done(stage.book.next(name), details | ({"why": nobody} if nobody else {}), [told])


def _call_system(stage: Stage, name: str, channel: str, text: str, lines: Sequence[Line]) -> Done:
    """Another system is called by a channel: it gets the text, what `set` steps keep, and what it is about."""
    values = stage.context(lines)["set"]
    blocks: list[Any] = [Headline(_title(stage)), Words(text)]
    if values:
        blocks.append(Facts(tuple((str(key), str(value)) for key, value in values.items())))
    meta = _meta(stage) | {"playbook": stage.book.name, "step": name}
    message = Message(_title(stage), tuple(blocks), purpose="task", thread=f"run-{stage.run.number}", meta=meta)
    told = Told("message", channel, channel, message)
    return Done(stage.book.next(name), {"to_whom": channel, "text": text}, [told])


def _draft(stage: Stage, step: DraftStep, lines: Sequence[Line], on: str) -> Done:
    outward = any(to_customer(to) for to in step.to)
    person = stage.here.receiver(step.to, stage.run.scope) if outward else None
    if outward and person is None:
        # The text may name them; it is written to nobody, and `send` says why it does not go.
        return Done(on, {"nobody": ", ".join(step.to)})
    context = stage.context(lines, person)
    who = "" if outward else stage.teammate(step.to)
    details = {"subject": " ".join(render(step.subject, context).split()), "text": render(step.draft, context)}
    to = {"id": person.id, "name": person.name, "email": person.email} if person else {"name": who}
    return Done(on, details | {"recipient": to})


def written(lines: Sequence[Line], draft: str) -> dict[str, Any]:
    """A draft as it stands: its text, or what whoever approved it made of it."""
    found: dict[str, Any] = {}
    for line in lines:
        if line.step == draft and "subject" in line.details:
            found = {key: line.details[key] for key in ("subject", "text", "recipient")}
        elif line.kind == "approved" and line.details.get("draft") == draft:
            found |= {key: line.details[key] for key in ("subject", "text") if key in line.details}
    return found


def _send(stage: Stage, name: str, step: SendStep, lines: Sequence[Line]) -> Done:
    book, draft = stage.book, written(lines, step.send)
    on, recipient_of = book.next(name), draft.get("recipient", {})
    if not book.outward(name):
        if "subject" not in draft:
            raise InputError(f"The draft {step.send} was passed by.", "Draft on every way that leads to a `send`.")
        who = str(recipient_of.get("name") or stage.teammate((OWNER,)))
        return Done(
            on, {"to_whom": who}, [tell(stage, who, str(draft["subject"]), str(draft["text"]), by=step.channel)]
        )
    address = str(recipient_of.get("email") or "") or None
    approved = any(line.kind == "approved" and line.details.get("draft") == step.send for line in lines)
    ours = [line.at for line in lines if line.kind == "did" and line.step in book.steps and book.outward(line.step)]
    guard = kept_back(_asked(stage, step, approved, address, book, ours))
    if guard is not None:
        return Done(book.next(name, step.otherwise), kept=guard, person=address or recipient_of.get("name"))
    channel = mail_of(stage.folder, step.channel)
    if channel is None or address is None:
        guard = Kept("no-channel", "beforehand.yaml has no channel for mail.")
        return Done(book.next(name, step.otherwise), kept=guard, person=address)
    owner = stage.holders.team.people.get(stage.run.owner or "")
    resource = next((line.details["resource"] for line in reversed(lines) if "resource" in line.details), None)
    blocks: list[Any] = [Words(str(draft["text"]))]
    if resource and resource["link"] and resource["link"] not in draft["text"]:
        blocks.append(Link(resource["title"], resource["link"]))
    message = Message(
        str(draft["subject"]), tuple(blocks), purpose="customer", thread=f"run-{stage.run.number}",
        reply_to=(owner.email or "") if owner else "", meta=_meta(stage),
    )  # fmt: skip
    return Done(on, {"to_whom": address}, [Told("message", address, channel, message, outward=True)], person=address)


def _asked(
    stage: Stage, step: SendStep, approved: bool, address: str | None, book: Book, ours: Sequence[datetime]
) -> Asked:
    """What the guards ask; `ours` are when this run has written to the account before."""
    spec = book.spec
    to_person, to_account = stage.batch.heard_from_us(stage.run.account, address or "")
    # A letter of another playbook is a touch too: nobody hears from two of them in one morning.
    touches = [at for at in (stage.accounts.touched_at(stage.run.account), *to_account) if at and at not in ours]
    to_person += [at for to, at in stage.supposed if to == address]
    to_account += [at for _, at in stage.supposed]
    holdout = spec.holdout
    return Asked(
        at=stage.at,
        approved=approved,
        needs_approval=not spec.without_approval,
        address=address,
        suppressed=stage.batch.suppressed(address) if address else None,
        arm=None if holdout is None else stage.batch.arm_stored(book.name, stage.run.account, holdout.salt),
        local=their_time(stage.folder, stage.here),
        quiet=spec.quiet,
        cap=spec.cap,
        to_person=to_person,
        to_account=to_account,
        complaint=stage.accounts.complaint(stage.run.account),
        incident=stage.incident,
        touched_at=max(touches, default=None),
        after_a_touch=spec.after_a_touch,
        receiver=", ".join(book.draft(step.send).to),
    )


def _title(stage: Stage) -> str:
    name = stage.here.traits.get("name") or stage.run.account
    return (
        f"{name}: {stage.alert.headline}"
        if stage.alert and name not in stage.alert.headline
        else (stage.alert.headline if stage.alert else f"{name}: {stage.run.playbook}")
    )


def _meta(stage: Stage) -> dict[str, str]:
    alert = {"alert": stage.alert.name} if stage.alert else {}
    return {"account": stage.run.account, "run": str(stage.run.number), **alert}
