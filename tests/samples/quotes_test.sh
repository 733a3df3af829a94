#!/usr/bin/env bash
# quotes_test.sh SAMPLES: each piece of C++ in docs/tutorial.md stands, but for its indentation, in
# the sample that was linked last before it; and each lesson has its place there.
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/../..
tutorial=$root/docs/tutorial.md
link='\(\.\./(samples/[a-z0-9_/]+\.[ch]pp)\)'
bad=0

sample='' quote='' quoting=0 quotes=0
while IFS= read -r line; do
  if [ "$line" = '```cpp' ]; then
    quoting=1 quote=$'\n'
  elif ((quoting)) && [ "$line" = '```' ]; then
    quoting=0
    ((quotes += 1))
    if [[ $(echo && sed 's/^ *//' "$root/$sample" && echo .) != *"$quote"* ]]; then
      printf 'not in %s:%s' "$sample" "$quote"
      bad=1
    fi
  elif ((quoting)); then
    quote+=${line#"${line%%[! ]*}"}$'\n'
  elif [[ $line != \|* && $line =~ $link ]]; then
    sample=${BASH_REMATCH[1]}
  fi
done <"$tutorial"
((quotes >= 20)) || { echo "only $quotes quotes were found"; bad=1; }

for lesson in "$root"/samples/tutorial/*.cpp; do
  name=$(basename "$lesson")
  grep -q "^| .*(\.\./samples/tutorial/$name)" "$tutorial" ||
    { echo "$name is not in the table"; bad=1; }
done
exit $bad
