import pytest

from beforehand.signals import Vocabulary
from beforehand.workspace.spec import MetricSpec


def events(name: str, *says: str) -> MetricSpec:
    return MetricSpec(count="events", where=f"event = '{name}'", says=says)


METRICS = {
    "logins": MetricSpec(count="events", where="event = 'login'", says=("logins", "login frequency")),
    "active_people": MetricSpec(people="events", says=("active people", "active users")),
    "events": MetricSpec(count="events", says=("events",)),
    "errors": MetricSpec(count="events", where="event = 'error'", says=("errors",)),
    "tickets": MetricSpec(count="tickets", says=("tickets",)),
    "urgent_tickets": MetricSpec(count="tickets", where="priority = 'urgent'", says=("urgent tickets",)),
    "error_rate": MetricSpec(share="events", of="event = 'error'", says=("error rate",)),
    "load_time": MetricSpec(mean="events", of="properties.ms", says=("load time",)),
    "seats": MetricSpec(last="subscriptions", of="seats", says=("seats",)),
    "paid": MetricSpec(sum="invoices", of="amount", says=("amount paid",)),
    "storage": MetricSpec(sum="events", of="bytes", where="bytes >= 0 and event = 'upload'", says=("storage used",)),
    "seats_used": MetricSpec.model_validate({"people": "events", "says": ["seats used"], "out of": "seats"}),
    "export_started": events("export started", "export started"),
    "export_finished": events("export finished", "export finished"),
    "setup_steps": events("setup step", "setup steps"),
    "failed_setup_steps": events("setup step failed", "failed setup steps"),
    "settings_page": events("settings viewed", "settings page"),
    "report_page": events("report viewed", "report page"),
    "upgrade_page": events("upgrade viewed", "upgrade page visited", "upgrade page"),
    "reports": events("report made", "reports"),
    "people_using_reports": MetricSpec(people="events", where="event = 'report made'", says=("people using reports",)),
    "features": MetricSpec(people="events", says=("features used",)),
    "amount": MetricSpec(sum="invoices", of="amount", says=("monthly amount", "amount")),
    "nps": MetricSpec(last="surveys", of="score", where="kind = 'nps'", says=("NPS",)),
    "bad_csat": MetricSpec(count="surveys", where="kind = 'csat' and score <= 2", says=("CSAT bad", "bad CSAT")),
    "sentiment": MetricSpec(mean="tones", of="sentiment", says=("sentiment",)),
    "frustration": MetricSpec(count="tones", where="frustration > 0.5", says=("frustration",)),
    "angry_messages": MetricSpec(count="tones", where="negative > 0.8", says=("angry messages",)),
    "balance": MetricSpec(sum="events", of="bytes", says=("bytes moved",)),
}


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary.of(METRICS, signals=("error-spike", "quiet"))
