# clnas-bench supernet: every combination has its line, one that fails does not stop the others, refusals.  No figure is looked at
# but sizes that follow from the network.
NAS_PROGRAM="$NAS_BUILD_FOLDER/bin/clnas-bench"
. "$(dirname "$0")/helper.sh"
"$NAS_BUILD_FOLDER/bin/clnas" devices >/dev/null 2>&1 || exit 77
small="--cells 3 --channels 4 --batch 16 --size 16 --steps 1 --repeats 1"

# The same network whatever is done with it.
run supernet $small --format json; expect_code 0
expect_json 'x["parameters"] == 72854 and x["weight_ms"] > 0 and x["architecture_ms"] > 0'
run supernet $small --method darts,gdas,spos,fairnas --format json; expect_code 0
[ "$(grep -c '"parameters": 72854' out.txt)" = 4 ] || fail "not four lines"
for method in darts gdas spos fairnas; do expect_out "\"method\": \"$method\""; done

run supernet $small --method spos --channels 2,4 --batch 16,32; expect_code 0
[ "$(grep -c '^| spos | 3 |' out.txt)" = 4 ] || fail "not four combinations"
expect_out "| spos | 3 | 2 | 32 |"

run supernet $small --method spos --channels 2,4 --format csv; expect_code 0
expect_out "method,cells,channels,batch,parameters,step_ms"; expect_out '"spos",3,4,16,72854,'
run supernet $small --format md; expect_code 0; expect_out "| darts, halves | 3 | 4 | 16 | 72854 |"
run supernet $small --format jsonl; expect_code 0; expect_json 'len(x["step_samples_ms"]) == 1 and x["step_samples_ms"][0] > 0'
run supernet $small --format xml; expect_code 2

# One channel cannot be halved; the others are measured all the same.
run supernet $small --method spos --channels 1,4; [ "$code" != 0 ] || fail "one channel cannot be halved"
expect_out "| spos | 3 | 1 | 16 | – |"; expect_out "| spos | 3 | 4 | 16 | 72854 |"; expect_err "1 of 2 combinations failed"
run supernet $small --batch 16,70000; expect_code 2

run supernet --method spos --keep; expect_code 2; expect_err "go without --method"
run supernet --method enough; expect_code 2; expect_err "no such option or value"
run supernet --channels 4,,x; expect_code 2
run supernet --cells 3,4 --profile; expect_code 2; expect_err "one combination"
