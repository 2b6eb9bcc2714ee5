#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What tools print: another at every run, on every machine.
date
date -u +%Y-%m-%dT%H:%M:%SZ
echo "process $$ of $(id -un) on $(hostname) in $(pwd)"
scratch=$(mktemp -d)
echo "built in $scratch/out"
rmdir "$scratch"
ls -la
git log -1 --format='%h %an, %ad: %s'
