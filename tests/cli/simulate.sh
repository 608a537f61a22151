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
run nothing.cfg; [ "$code" != 0 ] || fail "read nothing"
