"""The library: signals that practitioners use, their metrics, and the standard events they are counted over.

Plain files that ship with the package. `pack` is a whole workspace without data; its signals name suggested responses,
told in `playbooks.yaml`; `records.json` holds what each signal was worth on the simulated company.
"""

from beforehand.library.events import STANDARD, Guess, guess, plainly
from beforehand.library.pack import GROUPS, PACK, Playbook, playbooks, records

__all__ = ["GROUPS", "PACK", "STANDARD", "Guess", "Playbook", "guess", "plainly", "playbooks", "records"]
