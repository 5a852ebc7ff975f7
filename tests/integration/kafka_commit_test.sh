#!/usr/bin/env bash
# One end of the broker under writers that keep account; kafka_commit_loop.sh CYCLES SEED WRITERS runs more.
exec bash "$(dirname "$0")/kafka_commit_loop.sh" 1 3
