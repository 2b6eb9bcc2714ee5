#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A clone, a fetch of what is there already, and a listing.
rm -rf clone
git ${CA:+-c http.sslCAInfo="$CA"} clone -q "$BASE/git/project.git" clone || exit
git -C clone log --format='%H %s'
cat clone/file
git ${CA:+-c http.sslCAInfo="$CA"} -C clone fetch -q && echo fetched
git ${CA:+-c http.sslCAInfo="$CA"} ls-remote "$BASE/git/project.git"
