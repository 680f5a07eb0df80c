#!/bin/sh
# The demo: the sample prompts in a table with reasons, then a timed scan.
set -eu
bin=$1
prompts=$2

echo "== The sample prompts (tests/demo/prompts.jsonl), default policy, lists, rules and models"
# Exit status 1 only says that something was blocked.
"$bin" scan tests/demo/prompts.jsonl --id-field id --output-format table --show-text || [ $? -eq 1 ]

if [ "$prompts" = target/demo/prompts.txt ]; then
    mkdir -p target/demo
    python3 scripts/generate-prompts.py 20000 >"$prompts"
fi
echo
echo "== A timed scan of $prompts"
"$bin" scan "$prompts" >/dev/null || [ $? -eq 1 ]
