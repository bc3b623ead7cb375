#!/usr/bin/env bash
# Prints every ratio, each measured in one run on this machine. BENCH_EVENTS: sizes of the panel's run, for example
# BENCH_EVENTS="1e6 1e7 1e8" (100 million events need about 15 GB of disk and half an hour).
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0
for events in ${BENCH_EVENTS:-1e6 1e7}; do
  .venv/bin/python bench/panel.py --events "$events" || failed=1
  .venv/bin/python bench/story.py --events "$events" || failed=1
done
.venv/bin/python bench/judges.py || failed=1
.venv/bin/python bench/kinds.py || failed=1
.venv/bin/python bench/helped.py || failed=1
.venv/bin/python bench/spike.py || failed=1
.venv/bin/python bench/derived.py --events 1e7 || failed=1
.venv/bin/python bench/worktime.py || failed=1
.venv/bin/python bench/tones.py || failed=1
.venv/bin/python bench/shift.py || failed=1
.venv/bin/python bench/load.py || failed=1
.venv/bin/python bench/callbacks.py || failed=1
.venv/bin/python bench/help.py || failed=1
.venv/bin/python bench/install.py || failed=1
exit $failed
