#!/bin/sh
# What a site's continuous integration does, on any forge. Needs `pprnet-feeds` on the PATH.
#
#   ci.sh check [SITE]             every problem, beside its line where the forge can show that
#   ci.sh plan [SITE] [FILE]       what subscribers will notice, as Markdown for a comment (plan.md)
#   ci.sh build [SITE] [FOLDER]    the site as files (public)
#
# Exits as the command does: 1 stops a merge.
set -eu

step=${1:-check}
site=${2:-.}
case $step in
    check)
        form=text
        [ -z "${GITHUB_ACTIONS:-}" ] || form=github
        exec pprnet-feeds check --site "$site" --format "$form"
        ;;
    plan)
        file=${3:-plan.md}
        status=0
        plan=$(pprnet-feeds plan --site "$site" 2>&1) || status=$?
        fence='````' # a title may hold three
        printf '### What subscribers will notice\n\n%stext\n%s\n%s\n' "$fence" "$plan" "$fence" >"$file"
        exit $status
        ;;
    build)
        exec pprnet-feeds build "${3:-public}" --site "$site"
        ;;
    *)
        echo "ci.sh: no step is called '$step': check, plan or build" >&2
        exit 2
        ;;
esac
