# clnas-simulate: searches on a small table, resumed, and refused with other options.
NAS_PROGRAM="$NAS_BUILD_FOLDER/bin/clnas-simulate"
. "$(dirname "$0")/helper.sh"

# A chain of one or two layers of three widths; wider is better and dearer.
{
    echo "arch,valid,test,seconds,cost"
    for depth in 0 1; do
        for a in 0 1 2; do
            for b in 0 1 2; do
                echo "$depth-$a-$b,$((50 + 10 * a + 5 * b * depth)),$((40 + 10 * a + 5 * b * depth)),10,$((a + b + 1))"
            done
        done
    done
} >table.csv
cat >sim.cfg <<'END'
# a comment { that is none of the group's
seeds = 4; seconds = 65;
space = { type = "chain"; depth = [1, 2]; op = "conv"; kernel = 3; width = [8, 16, 32]; stride = 1; mmacs = 0.0; };
input = [ 1, 28, 28 ];
evaluate = { type = "table"; path = "table.csv"; metrics = [ "valid_accuracy = valid", "test_accuracy = test" ]; scale = 0.01;
             cost = "seconds"; };
runs = (
  { name = "random"; published = "none"; strategy = { type = "random"; }; },
  { name = "grid"; strategy = { type = "grid"; }; },
);
END
run sim.cfg; expect_code 0
expect_out "| random | 4 | 6.0 |"               # 6 · 10 s; the seventh would end later
expect_out "| grid | 4 | 6.0 | 60.000 ± 0.000 | 0.000 | – |"
expect_err "random: 4 searches"
cp out.txt first.txt; cp simulated/random.csv random.csv

# Nothing is left to do; a line that was cut off is done again and comes out the same.
run sim.cfg; expect_code 0; expect_err "random: 0 searches"; cmp out.txt first.txt || fail "another table"
head -c -9 random.csv >simulated/random.csv; echo >>simulated/random.csv
run sim.cfg --jobs 2; expect_code 0; expect_err "random: 1 searches"; cmp out.txt first.txt || fail "another table"
run sim.cfg --seeds 6 --only random; expect_code 0; expect_out "| random | 6 |"; no_out "grid"

# Results of other options are not mixed in.
sed 's/seconds = 65/seconds = 45/' sim.cfg >other.cfg
run other.cfg; expect_code 2; expect_err "is from other options"

# Two objectives: the hypervolume of everything is the whole.
cat >front.cfg <<'END'
seeds = 2; trials = 12; at = [ 4, 12 ];
space = { type = "chain"; depth = [1, 2]; op = "conv"; kernel = 3; width = [8, 16, 32]; stride = 1; mmacs = 0.0; };
input = [ 1, 28, 28 ];
evaluate = { type = "table"; path = "table.csv"; metrics = [ "valid_accuracy = valid", "cost" ]; };
runs = ( { name = "front"; strategy = { type = "grid"; };
           objectives = ( { metric = "valid_accuracy"; }, { metric = "cost"; goal = "min"; } ); } );
END
run front.cfg; expect_code 0; expect_out "| 1.0000 ± 0.0000 | 0.0000 |"
mkdir elsewhere
run front.cfg --data elsewhere; expect_code 6; expect_err "table.csv"
run sim.cfg --jobs; expect_code 2

# A peer whose library is not here is left out; it has no strategy.
sed 's/name = "front"; strategy = { type = "grid"; };/name = "peer"; peer = "search_nosuchlibrary";/' front.cfg >peer.cfg
run peer.cfg; expect_code 0; expect_err "peer: left out"; no_out "| peer"
sed 's/strategy = /peer = "nsga2_deap"; &/' front.cfg >both.cfg
run both.cfg; expect_code 2; expect_err "no strategy"
run nothing.cfg; [ "$code" != 0 ] || fail "read nothing"

# `clnas search` on the table ends by the same clock, at the same trial, with the same best.
NAS_PROGRAM="$NAS_BUILD_FOLDER/bin/clnas"
have_device && command -v python3 >/dev/null || exit 0
sed 's/name = "random"; published = "none";/name = "free"; reuse = true;/' sim.cfg >free.cfg
"$NAS_BUILD_FOLDER/bin/clnas-simulate" free.cfg --only free >out.txt 2>err.txt || fail "clnas-simulate free.cfg"
for seed in 0 1 2 3; do
    sed -n "/^space/p;/^evaluate/,/};/p" sim.cfg >real.cfg
    cat >>real.cfg <<END2
study = "real-$seed"; seed = $seed;
data = { type = "synthetic"; shape = [ 1, 28, 28 ]; valid = 64; };
strategy = { type = "random"; };
train = { epochs = 1; };
budget = { minutes = 1.0833333333333333; lookahead = 1; };
retrain = { top = 0; };
END2
    run search real.cfg -f json; expect_code 0; expect_json '"simulated minutes" in x["ended_by"]'
    run trials real-$seed.study -f json
    expect_json "[[t for t in x['trials'] if t['status'] == 'complete']
        for line in open('simulated/free.csv') if line.startswith('$seed,')
        for n, s, best, r in [map(float, line.split(',')[1:])]
        if n == sum(t['status'] == 'complete' for t in x['trials'])
        and s == sum(t['simulated_s'] for t in x['trials'] if t['status'] == 'complete')
        and abs(best - max(t['valid_accuracy'] for t in x['trials'] if t['status'] == 'complete')) < 1e-9]"
    expect_json 'x["trials"][-1]["status"] == "failed" and "simulated minutes" in x["trials"][-1]["reason"]'
done
# The same trials with two workers; a resume with more time goes on.
run search real.cfg --study two.study --workers 2 -q; expect_code 0
run trials two.study --canonical; cp out.txt two.txt
run trials real-3.study --canonical; cmp out.txt two.txt || fail "two workers ended elsewhere"
run resume two.study --minutes 1.5 -q; expect_code 0
run trials two.study -f json; expect_json '85 < sum(t["simulated_s"] for t in x["trials"] if t["status"] != "alias") <= 100'
