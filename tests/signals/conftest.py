import pytest

from beforehand.signals import Vocabulary
from beforehand.workspace.spec import MetricSpec

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
    "balance": MetricSpec(sum="events", of="bytes", says=("bytes moved",)),
}


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary.of(METRICS, signals=("error-spike", "quiet"))
