#!/usr/bin/env bash
# A few kills of the agent and of Redis; agent_kill_loop.sh KILLS SEED runs more.
exec bash "$(dirname "$0")/agent_kill_loop.sh" 3 2
