# clnas-rank [full]: rank correlations, resume, refusal; paths of a supernet held against a study; and, where the tables are, three proxies on 15 cells of
# NAS-Bench-201.  full: all proxies on the sample that docs/results.md reports, each within 0.10 of the published one.
NAS_PROGRAM="$NAS_BUILD_FOLDER/bin/clnas-rank"
. "$(dirname "$0")/helper.sh"
data=${NAS_DATA_FOLDER:-$NAS_SOURCE_FOLDER/../shared/data}
[ -d "$data" ] && data=$(cd "$data" && pwd)
"$NAS_BUILD_FOLDER/bin/clnas" devices >/dev/null 2>&1 || exit 77

# number METRIC COLUMN: a figure of the table (2 numbers, 3 τ, 4 ρ, 5 and 6 published τ and ρ, 7 difference of ρ, 8 τ of ours with the published).
number() { sed -n "s/^| $1 | \(.*\) |$/\1/p" out.txt | tr -d '+' | awk -F' [|] ' -v c="$(($2 - 1))" '{ print $c }'; }
within() { awk -v x="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(x >= low && x <= high) }' || fail "$4: $1 is not in $2 … $3"; }

config="$NAS_SOURCE_FOLDER/configs/rank/nasbench201.cfg"
if [ "${1:-}" = full ]; then
    [ -d "$data/nasbench201" ] || exit 77
    run "$config" --data "$data"; expect_code 0
    cat out.txt
    for metric in synflow snip grad_norm grasp fisher jacob_cov naswot zen; do
        within "$(number $metric 7)" -0.10 0.10 "$metric beside the published one"
    done
    run "$config" --data "$data" --count 30; expect_code 0
    for metric in synflow snip naswot; do
        within "$(number $metric 3)" 0.3 1 "$metric of the first thirty"
    done
    exit 0
fi

# Twelve chains.  The table's truth is the number of parameters, worked out here, with a minus; its own column rises with it.
line() { echo "$1,$((-$2)),$(($2 / 100))"; }
{
    echo "arch,truth,theirs"
    for a in 0 1 2; do
        first=$((8 << a))
        line "0-$a-0" $((11 * first + 3 * first))
        for b in 0 1 2; do
            second=$((8 << b))
            line "1-$a-$b" $((11 * first + 9 * first * second + 2 * second + 3 * second))
        done
    done
} >table.csv
cat >rank.cfg <<'END'
# a comment { of its own
seed = 2; count = 20; by = "truth";
space = { type = "chain"; depth = [1, 2]; op = "conv"; kernel = 3; width = [8, 16, 32]; stride = 1; mmacs = 0.0; };
data = { type = "synthetic"; shape = [1, 8, 8]; classes = 3; train = 60; test = 20; valid = 20; };
evaluate = { type = "zero_cost"; batch = 16; measures = [ "naswot" ]; };
truth = { type = "table"; path = "table.csv"; metrics = [ "truth", "published_naswot = theirs" ]; };
END
run rank.cfg --out out.csv; expect_code 0
expect_out "Rank correlation with truth"; expect_out " 12 architectures"
[ "$(number parameters 3) $(number parameters 4)" = "-1.000 -1.000" ] || fail "parameters do not rank as they were worked out"
within "$(number naswot 6)" -1 -0.98 "the table's own column"
no_out "| snip |"
cp out.csv first.csv; grep '^|' out.txt >first.txt

# What is there is not done again; a line that was cut off is, with the same numbers; fewer are the first of all.
head -n 7 first.csv >out.csv; head -n 8 first.csv | tail -n 1 | cut -c 1-12 >>out.csv
run rank.cfg --out out.csv; expect_code 0
cut -d, -f1,3- out.csv >a; cut -d, -f1,3- first.csv >b; cmp a b || fail "a resumed file differs"
grep '^|' out.txt | cmp - first.txt || fail "another table"
run rank.cfg --out few.csv --count 5; expect_code 0; expect_out "5 architectures"
head -n 7 first.csv | cut -d, -f1,3- >b; cut -d, -f1,3- few.csv | cmp - b || fail "not the first five"

# Results of other options are not mixed in; messages say what is missing.
sed 's/batch = 16/batch = 17/' rank.cfg >other.cfg
run other.cfg --out out.csv; expect_code 2; expect_err "is from other options"
grep -v '^truth' rank.cfg >none.cfg
run none.cfg --out none.csv; expect_code 2; expect_err "truth = {"
run rank.cfg --count; expect_code 2
for count in 2 5x 1000001 4294967299; do run rank.cfg --count $count; expect_code 2; done
run nothing.cfg; [ "$code" != 0 ] || fail "read nothing"

# A supernet's paths, held against trainings of another study.  Every score is that of the search's own candidate, and both
# correlations are those that tools/ranks counts.
clnas="$NAS_BUILD_FOLDER/bin/clnas"
search() { # STUDY STRATEGY MORE
    cat >search.cfg <<END
seed = 4;
data = { type = "synthetic"; shape = [1, 8, 8]; classes = 4; train = 324; test = 64; valid = 68; };
space = { type = "cell201"; op = [ "skip_connect", "nor_conv_3x3" ]; cells = 1; channels = 2; };
strategy = { $2 };
train = { batch = 32; optimizer = "sgd"; lr = 0.05; $3 };
retrain = { top = 0; };
END
    "$clnas" search search.cfg --study "$1" --quiet >out.txt 2>err.txt || fail "search: $(cat err.txt)"
}
search shared.study 'type = "spos"; epochs = 2; candidates = 64; recalibrate = 3; inner = { type = "grid"; };' ''
search alone.study 'type = "grid"; }; budget = { trials = 20;' 'epochs = 1;'
echo 'count = 40; by = "valid_accuracy"; truth = { type = "study"; path = "alone.study"; };' >paths.cfg
run paths.cfg --supernet shared.study --out paths.csv; expect_code 0
expect_out " 20 architectures"; no_out "published"; cp out.txt paths.txt
columns() { # STUDY: arch,valid_accuracy,parameters of what is an architecture's
    "$clnas" trials "$1" --format csv | awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        !at["derived"] || $at["derived"] == "" { print $at["arch"] "," $at["valid_accuracy"] "," $at["parameters"] }' | sort
}
columns shared.study >shared.csv; columns alone.study >alone.csv
awk -F, 'NR == 2 { for (i = 1; i <= NF; i++) at[$i] = i } NR > 2 { printf "%s,%.10g,%d\n", $1, $at["valid_accuracy"], $at["parameters"] }' paths.csv | sort >scores.csv
[ "$(wc -l <scores.csv)" = 20 ] || fail "not every architecture was scored"
join -t, scores.csv shared.csv | awk -F, '{ x = sprintf("%.10g", $4); if ($2 != x || $3 != $5) exit 1 }' || fail "scores are not those of the search"
{ echo "arch,score,parameters,truth"; join -t, scores.csv alone.csv | cut -d, -f1-4; } >joined.csv
for pair in score:valid_accuracy parameters:parameters; do
    wanted=$("$NAS_SOURCE_FOLDER/tools/ranks" joined.csv "${pair%:*}:truth" | sed -n 's/ |$//; $s/.* | \(.*\) | /\1 /p')
    [ "$(number "${pair#*:}" 3) $(number "${pair#*:}" 4)" = "$wanted" ] || fail "${pair#*:} is not $wanted"
done
# Other norms are other scores, and another file; an earlier epoch has no weights any more.
run paths.cfg --supernet shared.study --out paths.csv --recalibrate 0; expect_code 2; expect_err "is from other options"
run paths.cfg --supernet shared.study --out plain.csv --recalibrate 0; expect_code 0
cut -d, -f1,3- plain.csv | tail -n +3 >a; cut -d, -f1,3- paths.csv | tail -n +3 >b; ! cmp -s a b || fail "recalibrate does nothing"
run paths.cfg --supernet shared.study:0 --out gone.csv; expect_code 2; expect_err "weights of trial 0 are not there"
run paths.cfg --supernet alone.study --out none.csv; expect_code 2; expect_err "no epoch of a supernet"
run paths.cfg --supernet shared.study --by nothing --out none.csv; expect_code 2; expect_err "no nothing of any"
run rank.cfg --recalibrate 3 --out none.csv; expect_code 2; expect_err "is for a --supernet"

# Three proxies on fifteen cells: ranked as those who published them did, and the signs as with accuracy.
[ -d "$data/nasbench201" ] || exit 0
sed 's/measures = .*/measures = [ "synflow", "snip", "naswot" ];/' "$config" >some.cfg
run some.cfg --data "$data" --out some.csv --count 15; expect_code 0
for metric in synflow snip naswot; do
    within "$(number $metric 8)" 0.8 1 "$metric beside the published one"
    within "$(number $metric 3)" 0.2 1 "$metric"
done
