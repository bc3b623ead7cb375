#!/usr/bin/env bash
# Loads this example into a scratch folder, judges every sentence at day 15, 20, 25 and 30, and shows it beside recency.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../../.venv/bin/python" "$here/../../scripts/courses.py" "$@"
