#!/usr/bin/env bash
# Medians of all benchmarks at each level of recording, in one table.
# usage: run_levels.sh STRANDED_BENCH [benchmark options]
# Benchmarks with a million tasks (_huge) need about 6 GB; they run when HUGE=1 is set.
set -euo pipefail
[ $# -ge 1 ] || { sed -n 2,4p "$0" >&2; exit 2; }
bench=$1
shift
filter=()
[ "${HUGE:-0}" = 1 ] || filter=(--benchmark_filter=-_huge)
results=$(mktemp -d)
trap 'rm -r "$results"' EXIT
for level in off state trace; do
  echo "record=$level ..." >&2
  STRANDED_OPTIONS=record=$level "$bench" --benchmark_repetitions=5 \
    --benchmark_report_aggregates_only=true "${filter[@]}" --benchmark_out_format=json \
    --benchmark_out="$results/$level.json" "$@" >/dev/null
done
python3 - "$results" <<'PY'
import json, sys
levels = ('off', 'state', 'trace')
rows = {}
for level in levels:
    for run in json.load(open(f'{sys.argv[1]}/{level}.json'))['benchmarks']:
        single = run['run_type'] == 'iteration' and run.get('repetitions', 1) == 1
        if not single and run.get('aggregate_name') != 'median':
            continue
        name = run['run_name'].replace('/process_time', '').replace('/real_time', '')
        name = name.replace('/iterations:1', '').replace('/repeats:1', '')
        text = 'failed' if run.get('error_occurred') else f"{run['real_time']:.4g} {run['time_unit']}"
        rows.setdefault(name, {})[level] = text
print(f"{'median of wall time':44}" + ''.join(f'{level:>14}' for level in levels))
for name, row in rows.items():
    print(f'{name:44}' + ''.join(f"{row.get(level, '-'):>14}" for level in levels))
PY
