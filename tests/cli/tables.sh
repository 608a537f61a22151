# Tables: each task is searched, retrained, tested and exported for real, on CSV files made here; so are sequences, and a linear model beside them.
. "$(dirname "$0")/helper.sh"
"$NAS_PROGRAM" devices >/dev/null 2>&1 || exit 77

config() # NAME DATA SPACE: a short search
{
    cat >"$1.cfg" <<END_CONFIG
study = "$1"; seed = 1;
data = { type = "csv"; path = "$1.csv"; $2 };
space = { type = "chain"; depth = [1, 3]; op = [ "conv" ]; kernel = [3]; width = [16, 32]; $3 };
strategy = { type = "random"; };
train = { epochs = 4; batch = 32; optimizer = "adam"; lr = 0.01; };
budget = { trials = 3; };
retrain = { top = 1; epochs = 12; data = "train_valid"; };
END_CONFIG
}
linear() # CONFIG CODE TEXT: what clnas-linear makes of it
{
    program=$(dirname "$NAS_PROGRAM")/clnas-linear
    last="linear $1"; code=0
    [ -x "$program" ] || return 0
    "$program" "$1" >out.txt 2>&1 || code=$?
    expect_code "$2"; expect_out "$3"
}

# Numbers: y is linear in what is there, with a word among it, so a linear model knows it all and a network most of it.  Recordings of one person
# stay together.
awk 'BEGIN { print "who,a,b,colour,y,z"; srand(1)
    split("red green blue", colour, " ")
    for (i = 0; i < 900; i++) { a = rand(); b = rand(); c = 1 + i % 3
        printf "p%d,%.4f,%.4f,%s,%.6f,%.6f\n", i / 5, a, b, colour[c], 1000 + 200 * a - 300 * b + 50 * c, a + b } }' >numbers.csv
config numbers 'task = "regress"; target = [ "y", "z" ]; one_hot = "colour"; group = "who"; test = 0.2; valid = 150;' ''
linear numbers.cfg 0 "linear: 12 parameters, ridge 1e-06, valid_r2 1.0000, test_r2 1.0000"
printf "a,y\n1,1\n2,2\n" >few.csv
sed "s|numbers.csv|few.csv|; s|target = .*; valid = 150|target = \"y\"|" numbers.cfg >few.cfg
linear few.cfg 2 "set data.valid"
run search numbers.cfg --quiet --format json; expect_code 0
expect_json '0.9 < x["results"][0]["test_r2"] <= 1'
run eval "$(ls numbers.study.d/retrained-*.safetensors)" numbers.study --format json; expect_code 0
expect_json '[e["output"] for e in x["each"]] == ["y", "z"] and x["each"][0]["rmse"] < 50 and x["each"][1]["rmse"] < 0.2'
run check numbers.cfg -s data.valid=0 -s data.one_hot=hue; expect_code 2; expect_err 'no column "hue"'
run search numbers.cfg --new -s 'data.one_hot=[]'; expect_code 6; expect_err 'numbers.csv:2: column 4 ("colour"): "red" is no number'

# A study goes on with the data that it began with alone.
cp numbers.csv kept.csv
awk -F, -v OFS=, 'NR == 2 { $5 = $5 + 1 } { print }' kept.csv >numbers.csv
run resume numbers.study --trials 4 --no-retrain --quiet; expect_code 6; expect_err "not those that it began with"
cp kept.csv numbers.csv
run resume numbers.study --trials 4 --no-retrain --quiet; expect_code 0

# New rows without targets, their columns in another order: what is told has the error that eval has told.  A wide table is scaled, too.
model=$(ls numbers.study.d/retrained-*.safetensors)
awk -F, 'NR == 1 { print "colour,b,a" } NR > 1 { print $4 "," $3 "," $2 }' numbers.csv >new.csv
run predict "$model" new.csv --format csv; expect_code 0
[ "$(head -n 1 out.txt)" = "file,sample,y,z" ] || fail "not a column for each number"
awk -F, 'NR == FNR { if (FNR > 1) { y[FNR] = $5; z[FNR] = $6 } next }
    FNR > 1 { e += ($3 - y[FNR]) ^ 2; f += ($4 - z[FNR]) ^ 2 } END { exit !(FNR == 901 && sqrt(e / 900) < 50 && sqrt(f / 900) < 0.2) }' numbers.csv out.txt ||
    fail "predictions are far from what is so"
sed 's/,b,/,nothing,/' new.csv >worse.csv
run predict "$model" worse.csv; expect_code 2; expect_err 'no column "b"'
awk 'BEGIN { for (k = 0; k < 70; k++) printf "x%d,", k; print "y"; srand(3)
    for (i = 0; i < 300; i++) { s = 0; for (k = 0; k < 70; k++) { x = 100 * k + rand(); s += x; printf "%.4f,", x }; print s } }' >wide.csv
config wide 'task = "regress"; target = "y"; test = 0.2; valid = 50;' ''
run search wide.cfg --quiet -s budget.trials=1 -s retrain.epochs=20; expect_code 0
model=$(ls wide.study.d/retrained-*.safetensors)
run predict "$model" wide.csv --format csv; expect_code 0
# Unscaled, what is told would be off by thousands; the sum's own deviation is sqrt(70 / 12).
awk -F, 'NR == FNR { y[FNR] = $71; next } FNR > 1 { e += ($3 - y[FNR]) ^ 2 } END { exit !(sqrt(e / 300) < 3) }' wide.csv out.txt ||
    fail "samples of many channels are not scaled as they were"
run export wide.study --to c -o wide.c; expect_code 0

# Labels in one column: a sample has any number of them.
awk 'BEGIN { print "x,y,tags"; srand(2)
    for (i = 0; i < 900; i++) { x = 2 * rand() - 1; y = 2 * rand() - 1
        printf "%.4f,%.4f,%s;%s;%s\n", x, y, (x > 0 ? "right" : ""), (y > 0 ? "up" : ""), (x * y > 0 ? "alike" : "") } }' >labels.csv
config labels 'task = "multilabel"; target = "tags"; test = 0.2; valid = 150;' ''
run search labels.cfg --quiet --format json; expect_code 0
expect_json '0.85 < x["results"][0]["test_accuracy"] <= 1'
run eval "$(ls labels.study.d/retrained-*.safetensors)" labels.study --format json; expect_code 0
expect_json '[e["label"] for e in x["each"]] == ["alike", "right", "up"]'
linear labels.cfg 0 "test_accuracy 0.8" # two of three labels are linear: 5/6 is what there is to know

# Sequences in classes, one of them rare and balanced by weights: kernels are 1×k, and the network's C code says the same as the engine.
TRAIN=600 TEST=150 sh "$NAS_SOURCE_FOLDER/tools/made_tables" cylinder made
cp made/train.csv sequences.csv
config sequences 'test_path = "made/test.csv"; target = "class"; shape = [ 1, 1, 128 ]; balance = true; valid = 150;' 'stride = [ 2 ];'
run search sequences.cfg --quiet --format json; expect_code 0
expect_json '0.8 < x["results"][0]["test_accuracy"] <= 1'
run show sequences.study:0; expect_code 0; expect_out "conv1x3"
for file in net.c net.onnx net.py; do
    run export sequences.study --to "$(echo $file | sed 's/net.c$/c/; s/net.onnx/onnx/; s/net.py/torch/')" -o $file --format json; expect_code 0
    expect_json 'x["difference"] is None or x["difference"] < 1e-3'
done
