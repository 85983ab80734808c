#!/bin/sh
# Format and clang-tidy checks over every file that git knows. Usage: tools/lint.sh BUILD_FOLDER (configured).
set -eu
build=$1
cd "$(dirname "$0")/.."

format=$(git ls-files '*.h' '*.cpp' '*.cu' '*.cuh')
# shellcheck disable=SC2086
clang-format --dry-run --Werror $format
echo "lint: format of $(echo "$format" | wc -l) files is right"

# clang reads the same commands, less what only g++ knows.
mkdir -p "$build/lint"
sed -E 's/ -(fno-gcse|fno-crossjumping|Wno-restrict)//g' "$build/compile_commands.json" >"$build/lint/compile_commands.json"

# The tests are ours too, but clang-tidy takes minutes over gtest's macros and finds its own faults there.
sources=$(git ls-files '*.cpp' | grep -v '^tests/')
echo "$sources" | xargs -P "$(nproc)" -n 4 clang-tidy -p "$build/lint" --quiet --extra-arg=-Wno-unknown-pragmas 2>/dev/null
echo "lint: clang-tidy is content with $(echo "$sources" | wc -l) files"

# What MAME gives to plugins is there to be read; the tests put a MAME of their own in its place.
luacheck --quiet --std lua54 --read-globals emu manager --max-line-length 130 lua
luacheck --quiet --std lua54 --globals emu manager --max-line-length 130 tests/lua
echo "lint: luacheck is content with $(git ls-files '*.lua' | wc -l) files"
