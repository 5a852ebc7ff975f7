#!/usr/bin/env bash
# A few kills on Kafka; kafka_kill_loop.sh KILLS SEED runs more.
exec bash "$(dirname "$0")/kafka_kill_loop.sh" 5 2
