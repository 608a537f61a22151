# Kinds, names, option tables, and the reference page that is made of them.
. "$(dirname "$0")/helper.sh"

run describe; expect_code 0
for word in group dataset space strategy evaluator optimizer op; do
    expect_out "$word"
done
run describe -f json; expect_code 0; expect_json 'len(x["kinds"]) > 20'
run describe -f csv; expect_csv kind name summary
run describe -f jsonl; expect_jsonl kind name summary

# Every name can be described.
"$NAS_PROGRAM" describe -f csv | tail -n +2 | cut -d, -f1,2 | tr , ' ' >names.txt
while read -r kind name; do
    run describe "$kind" "$name"; expect_code 0; expect_out "$kind $name"
    run describe "$kind" "$name" -f json; expect_code 0; expect_json '"options" in x'
done <names.txt

run describe strategy evolution; expect_out "population"; expect_out "tournament"
run describe evolution; expect_code 0; expect_out "strategy evolution"
run describe strategie; expect_code 2; expect_err "did you mean 'strategy'?"
run describe strategy evolutoin; expect_code 2; expect_err "did you mean 'evolution'?"

# The committed page is what the tables say.
run describe --markdown; expect_code 0
cmp out.txt "$NAS_SOURCE_FOLDER/docs/config.md" ||
    fail "docs/config.md is stale: run  clnas describe --markdown > docs/config.md"
