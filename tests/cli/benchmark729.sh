# The committed table of benchmark729: strategies on it, and what docs/benchmark729.md says of it.
NAS_PROGRAM="$NAS_BUILD_FOLDER/bin/clnas-simulate"
. "$(dirname "$0")/helper.sh"
tables=$NAS_SOURCE_FOLDER/configs/tables
page=$NAS_SOURCE_FOLDER/docs/benchmark729.md

# Guided search is ahead of random search, by four standard errors of the difference over 200 seeds.
for name in random evolution local; do
    run "$NAS_SOURCE_FOLDER/configs/simulate/benchmark729.cfg" --data "$tables" --only "$name" --seeds 200; expect_code 0
    expect_out "| $name | 200 |"
    tail -n 1 out.txt >"$name.row"
done
ahead() { # NAME: | run | seeds | evaluations | mean ± std | std. error | …
    cat random.row "$1.row" | awk -F'|' '
        { split($5, part, " "); mean[NR] = part[1]; error[NR] = $6 + 0 }
        END { exit !(mean[2] - mean[1] > 4 * sqrt(error[1] ^ 2 + error[2] ^ 2)) }'
}
ahead evolution || fail "evolution is not ahead of random: $(cat random.row evolution.row)"
ahead local || fail "local is not ahead of random: $(cat random.row local.row)"
! ahead random || fail "random is ahead of itself"

# Every line of the report is on the page.
last="benchmark729 --report"
"$NAS_SOURCE_FOLDER/tools/benchmark729" --report "$tables/benchmark729.csv" >out.txt 2>err.txt || fail "no report"
while IFS= read -r line; do
    [ -z "$line" ] || grep -qF -- "$line" "$page" || fail "docs/benchmark729.md lacks '$line'"
done <out.txt
[ "$(wc -l <out.txt)" -ge 20 ] || fail "the report is short"

# A table that is none.
code=0
"$NAS_SOURCE_FOLDER/tools/ranks" "$tables/benchmark729.csv" valid:nothing >out.txt 2>err.txt || code=$?
expect_code 2; expect_err "no column nothing"
