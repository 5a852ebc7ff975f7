#!/usr/bin/env bash
# The shipped job with next to no memory for its state: it lives in RocksDB, and nothing else changes. Then a savepoint
# of each backend is continued by the other.
. "$(dirname "$0")/lib.sh"

tiny=(--set state.hot_bytes=64KiB --set state.backend=rocksdb)
for p in 1 3; do
  fresh "rocks$p"
  cp "$events" "$work/rocks$p/log/auth.raw/0.ndjson"
  run "rocks$p" "${tiny[@]}" --set "job.parallelism=$p" --set checkpoints.interval=20ms
  expect_guard "rocks$p"
  [ -d "$work/rocks$p/state/ssh-guard/1" ] || fail "the store was never used"
  expect "stores left behind" "$(find "$work/rocks$p/state" -name '*.sst' | wc -l)" 0
done

# Appended a second time and started again, from the checkpoint of the other parallelism.
cat "$events" >>"$work/rocks3/log/auth.raw/0.ndjson"
run rocks3 "${tiny[@]}" --set job.parallelism=2
expect_guard rocks3

fresh moved
part() { sed -n "$1p" "$events" >>"$work/moved/log/auth.raw/0.ndjson"; }
part 1,700
run moved --set state.backend=memory --stop-with-savepoint one
part 701,1400
run moved "${tiny[@]}" --set job.parallelism=3 --from-savepoint one --stop-with-savepoint two
part '1401,$'
run moved --set state.backend=memory --set job.parallelism=1 --from-savepoint two
expect_guard moved
echo "ok"
