#!/usr/bin/env bash
# Two ends of the broker under load; kafka_broker_loop.sh CYCLES SEED runs more.
exec bash "$(dirname "$0")/kafka_broker_loop.sh" 2 4
