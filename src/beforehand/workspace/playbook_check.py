"""What is wrong with a playbook whose form is right: ways, texts, receivers and sentences, each on its line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from beforehand.errors import InputError, among
from beforehand.playbooks import templates
from beforehand.playbooks.book import GO_ON, Book, is_sentence, to_customer
from beforehand.playbooks.matching import KINDS
from beforehand.playbooks.ways import Known, known_at
from beforehand.signals import SentenceError, Signal, Vocabulary, parse
from beforehand.signals.whom import population_of
from beforehand.workspace.channel_spec import ChannelSpec
from beforehand.workspace.playbook_spec import (
    ANY,
    END,
    MANAGER,
    OWNER,
    ApproveStep,
    BranchStep,
    CallStep,
    DraftStep,
    EndStep,
    EscalateStep,
    OfferStep,
    SendStep,
    SetStep,
    TaskStep,
    WaitForStep,
)
from beforehand.workspace.team_spec import TeamSpec
from beforehand.workspace.yaml_file import At, Written

OUR_KEYS = ("task", "call", "draft", "subject", "escalate")


@dataclass(frozen=True)
class Around:
    """What a playbook may name of its workspace; `vocabulary` None where metrics.yaml cannot be read."""

    vocabulary: Vocabulary | None
    signals: Collection[str] = ()
    channels: Mapping[str, ChannelSpec] = field(default_factory=dict)
    resources: Collection[str] = ()
    team: TeamSpec | None = None


def check_book(book: Book, written: Written, around: Around, judged: dict[str, Signal]) -> None:
    """Records every problem in `written`, and the sentences that are understood in `judged`."""
    spec = book.spec
    for place, name in enumerate(spec.when.signals):
        if name not in around.signals:
            at: At = ("when", "signals", place)
            written.problem(at, "unknown-signal", f"{name!r} is not a signal.", among(name, around.signals))
    if spec.when.accounts is not None:
        try:
            population_of(spec.when.accounts)
        except InputError as error:
            written.problem(("when", "accounts"), error.code or "bad-sentence", error.message, error.hint)
    if spec.when_they_reply not in (END, GO_ON, *book.steps):
        said = f"{spec.when_they_reply!r} is no step."
        valid = (END, GO_ON, *book.steps)
        written.problem(("when they reply",), "unknown-step", said, among(spec.when_they_reply, valid))
    _check_ways(book, written)
    known = known_at(book)
    _check_texts(book, written, known)
    _check_sends(book, written, around.channels, known)
    _check_receivers(book, written, around.team)
    _check_offers(book, written, around.resources)
    if around.vocabulary is not None:
        _check_sentences(book, written, around.vocabulary, judged)


def signal_of(sentence: str, vocabulary: Vocabulary) -> Signal:
    """A sentence of a playbook as something that can be judged; SentenceError where it is not understood."""
    read = parse(sentence, vocabulary)
    return Signal(f"playbook: {sentence}", read, counted=vocabulary.counted, lasting=vocabulary.lasting)


def _check_ways(book: Book, written: Written) -> None:
    """Every way leads forward, to a step there is; and every step can be reached."""
    reached = {next(iter(book.steps))}
    if spec_reply := book.spec.when_they_reply:
        reached |= {spec_reply} & set(book.steps)
    for place, (name, step) in enumerate(book.steps.items()):
        if isinstance(step, EndStep) and step.then is not None:
            said = "Nothing follows an end."
            written.problem(("steps", place, "then"), "bad-value", said, "Leave `then:` out, or end the run later.")
        for key, target in book.leads_to(name):
            at: At = ("steps", place, key)
            if target == END:
                continue
            if target not in book.steps:
                written.problem(at, "unknown-step", f"{target!r} is no step.", among(target, (END, *book.steps)))
            elif book.order[target] <= place:
                where = "itself" if target == name else target
                said = f"{name} goes back to {where}: a run would go round in a circle."
                written.problem(at, "playbook-loop", said, "Steps go forward only; write the step again below.")
            elif name in reached:
                reached.add(target)
        if name not in reached:
            said = f"Nothing leads to the step {name}."
            written.problem(
                ("steps", place), "unreachable-step", said, "Name it in a `then:` or `else:`, or remove it."
            )


def _check_texts(book: Book, written: Written, known: dict[str, Known]) -> None:
    """Every text is a template, and names only what is there whichever way the run has come."""
    own = frozenset(name for _, step in book.of_kind(SetStep) for name in step.set)
    for place, (name, step) in enumerate(book.steps.items()):
        texts: list[tuple[At, str]] = [
            ((k,), getattr(step, k)) for k in OUR_KEYS if isinstance(getattr(step, k, None), str)
        ]
        if isinstance(step, SetStep):
            texts = [(("set", key), text) for key, text in step.set.items()]
        to_them = isinstance(step, CallStep) or (isinstance(step, DraftStep) and any(map(to_customer, step.to)))
        for at, text in texts:
            wrong = templates.problems(text, own)
            # Where a run may come by several ways, what one of them gives is not there on the others.
            wrong = wrong or list(_missing(text, known[name], to_them))
            for found in wrong:
                written.problem(("steps", place, *at), "bad-template", found.message, found.hint)


def _missing(text: str, known: Known, to_them: bool) -> Iterator[templates.Wrong]:
    named = templates.named(text)
    if "person" in named and not to_them:
        said = "`person` is only known in a draft or a call to `their ROLE`."
        yield templates.Wrong(said, "Say whom you mean, or name `account`.")
    if "resource" in named and not known.resource:
        said = "`resource` is not there where no resource fits."
        hint = "Give `offer resource` an `else:`, or write `{% if resource is defined %}...{% endif %}` around it."
        yield templates.Wrong(said, hint if known.offered else "Put an `offer resource` step before it.")
    for name in sorted(n[4:] for n in named if n.startswith("set.") and n[4:] not in known.values):
        said = f"`set.{name}` is not there on every way that leads here."
        yield templates.Wrong(said, f"Put the `set` step on each of them, or ask `{{% if set.{name} is defined %}}`.")


def _check_sends(book: Book, written: Written, channels: Mapping[str, ChannelSpec], known: dict[str, Known]) -> None:
    drafts = {name for name, _ in book.of_kind(DraftStep)}
    for place, (name, step) in enumerate(book.steps.items()):
        at: At = ("steps", place)
        if isinstance(step, SendStep | ApproveStep):
            wanted = step.send if isinstance(step, SendStep) else step.approve
            if wanted not in drafts:
                written.problem((*at, step.key), "unknown-step", f"{wanted!r} is no draft.", among(wanted, drafts))
                continue
            if book.order[wanted] >= place:
                said = f"{name} comes before the draft {wanted}."
                written.problem((*at, step.key), "playbook-loop", said, "Draft first.")
            elif wanted not in known[name].drafts:
                said = f"A way leads to {name} that passes the draft {wanted} by."
                written.problem((*at, step.key), "no-draft", said, "Draft on every way that leads here.")
        if isinstance(step, SendStep | CallStep) and step.channel is not None and step.channel not in channels:
            said = f"There is no channel {step.channel!r}."
            written.problem((*at, "channel"), "unknown-channel", said, among(step.channel, channels))
        elif isinstance(step, CallStep) and step.channel is not None and channels[step.channel].kind == "email":
            said = f"{step.channel} sends mails, and a call has no address."
            written.problem((*at, "channel"), "bad-value", said, "Name a webhook, or write a `draft` and `send` it.")
        if isinstance(step, SendStep) and wanted in drafts:
            if book.outward(name) and not book.approved_before(name) and not book.spec.without_approval:
                said = f"{name} writes to a customer, and nobody approves it."
                hint = f"Put `- approve: {step.send}` before it, or say `without approval: true`."
                written.problem((*at, "send"), "no-approval", said, hint)
            if not book.outward(name) and step.otherwise is not None:
                said = "What goes to one of us is never kept back."
                written.problem((*at, "else"), "bad-value", said, "Leave `else:` out.")


def _check_receivers(book: Book, written: Written, team: TeamSpec | None) -> None:
    """Whom steps name: of us, or at the account; and that somebody of team.yaml is meant."""
    places: list[tuple[At, tuple[str, ...]]] = [(("owner",), (book.spec.owner,))]
    for place, step in enumerate(book.steps.values()):
        at: At = ("steps", place)
        if isinstance(step, CallStep):
            if not all(to_customer(to) for to in step.to):  # of a call to another system there are none
                said = "A call is to somebody at the account."
                written.problem((*at, "to"), "bad-value", said, "Write `their ROLE`.")
            continue
        if isinstance(step, TaskStep | EscalateStep) and any(to_customer(to) for to in step.to):
            said = f"`{step.key}` is for one of us."
            written.problem((*at, "to"), "bad-value", said, "Write `owner`, or a role of the team.")
        elif isinstance(step, DraftStep) and len({to_customer(to) for to in step.to}) > 1:
            said = "A draft is for one of us, or for somebody at the account."
            written.problem((*at, "to"), "bad-value", said, "Write two drafts.")
        elif isinstance(step, TaskStep | EscalateStep | DraftStep):
            places.append(((*at, "to"), () if to_customer(step.to[0]) else step.to))
        elif isinstance(step, ApproveStep):
            places.append(((*at, "by"), step.by))
    if team is not None and book.spec.mode == "on":
        for at, wanted in places:
            _check_team(wanted, at, team, written)


def _check_team(wanted: Iterable[str], at: At, team: TeamSpec, written: Written) -> None:
    """That one of them is somebody: `owner`, their manager, a role that is held, or a person."""
    held = {role for person in team.people.values() for role in person.roles} | set(team.owners)
    valid = {OWNER, MANAGER, *held, *team.people}
    asked = list(wanted)
    if asked and not any(name in valid for name in asked):
        said = f"Nobody is {asked[0]!r} in team.yaml."
        written.problem(at, "unknown-person", said, among(asked[0], valid))


def _check_offers(book: Book, written: Written, resources: Collection[str]) -> None:
    valid = (*KINDS, ANY)
    for place, (_, step) in enumerate(book.steps.items()):
        if isinstance(step, OfferStep) and step.offer not in valid and step.offer not in resources:
            said = f"{step.offer!r} is no resource, and nothing by which one is chosen."
            hint = among(step.offer, [*valid, *resources])
            written.problem(("steps", place, step.key), "unknown-resource", said, hint)


def _check_sentences(book: Book, written: Written, vocabulary: Vocabulary, judged: dict[str, Signal]) -> None:
    places: list[tuple[At, str]] = [] if book.spec.goal is None else [(("goal",), book.spec.goal)]
    for place, step in enumerate(book.steps.values()):
        if isinstance(step, BranchStep) and is_sentence(step.branch):
            places.append((("steps", place, "branch"), step.branch))
        elif isinstance(step, WaitForStep) and is_sentence(step.wait_for):
            places.append((("steps", place, "wait for"), step.wait_for))
    for at, sentence in places:
        try:
            found = signal_of(sentence, vocabulary)
        except SentenceError as error:
            hint = error.hint or "Compare it with the sentences of your signals."
            written.problem(at, error.code or "bad-sentence", error.message, hint)
            continue
        if found.subject != "account" or found.sentence.population is not None:
            said = "What a playbook asks is judged on the account of its run."
            written.problem(at, "bad-sentence", said, "Leave the `for ...` out.")
            continue
        judged[sentence] = found
