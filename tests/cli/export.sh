# clnas export: a network of a study and of a model file as C, compared with the engine; what cannot be exported, and why.  Where
# Fashion-MNIST is, the C program must be as often right on its test images as `clnas eval` says.
. "$(dirname "$0")/helper.sh"
write_small_config
have_device || exit 77

run search small.cfg --no-retrain -q; expect_code 0
run export small.study --to c -o net.c; expect_code 2; expect_err "clnas train small.study"
run train small.study:1 --epochs 1 -o model.safetensors -q; expect_code 0
run export model.safetensors:3 --to c -o net.c; expect_code 2; expect_err "no study"
run export model.safetensors --to onyx -o net.c; expect_code 2; expect_err "no export to \"onyx\""
run export model.safetensors --to c; expect_code 2; expect_err "-o FILE"
run export model.safetensors --to c -o net.h; expect_code 2; expect_err "must end with .c"
run export small.cfg --to c -o net.c; [ "$code" != 0 ] || fail "a config is no model"
run export missing.safetensors --to c -o net.c; [ "$code" != 0 ] || fail "no such model"
[ ! -e net.c ] || fail "a file of a failed export"
head -c 600 model.safetensors >cut.safetensors
run export cut.safetensors --to c -o net.c; expect_code 6; expect_err cut.safetensors

# Without a compiler it is written, and said to be unproved.
CC=/nowhere/cc run export model.safetensors --to c -o net.c -f json; expect_code 0
expect_json '"there is no C compiler here" in x["note"] and x["difference"] is None'
grep -q "net_run" net.c || fail "no network in the file"

CLNAS_PEER_PYTHON=/nowhere/python run export model.safetensors --to torch -o net.py -f json; expect_code 0
expect_json '"there is no /nowhere/python" in x["note"] and x["difference"] is None'
grep -q "class Net(nn.Module)" net.py || fail "no module in the file"
[ -f net.safetensors ] || fail "no weights beside it"
run export model.safetensors --to torch -o net.txt; expect_code 2; expect_err "must end with .py"

CLNAS_PEER_PYTHON=/nowhere/python run export model.safetensors --to onnx -o net.onnx -f json; expect_code 0
expect_json '"run by clnas itself" in x["note"] and "no /nowhere/python" in x["note"] and x["difference"] <= 1e-4'
grep -q Gemm net.onnx || fail "no ONNX operator in the file"

# Weights by PyTorch's names: those of the model file, to the bit.
run export model.safetensors --to safetensors -o weights.safetensors -f json; expect_code 0
expect_json '"read back" in x["note"]'
cmp weights.safetensors net.safetensors || fail "weights alone and beside a module differ"
if command -v python3 >/dev/null; then
    python3 - <<'END' || fail "other names or weights than expected"
import json
def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    return header.pop("__metadata__"), {name: (t["shape"], data[slice(*t["data_offsets"])]) for name, t in header.items()}
ours, theirs = read("model.safetensors"), read("weights.safetensors")
names = {"gamma": "weight", "beta": "bias", "running_mean": "running_mean", "running_variance": "running_var"}
assert len(ours[1]) == len(theirs[1])
for name, tensor in ours[1].items():
    node, what = name.split(".")
    kind = "norm" if what in names else "conv" if len(tensor[0]) == 4 else "dense"
    assert theirs[1].get(f"{kind}_{node}.{names.get(what, what)}") == tensor, (name, sorted(theirs[1]))
assert ours[0]["preprocessing"] == theirs[0]["preprocessing"]
END
fi

# Layers as data and as a picture: parameters are the trial's, tensors those of the weights alone.
run export model.safetensors --to json -o net.json -f json; expect_code 0; expect_json '"read back" in x["note"]'
run export model.safetensors --to dot -o net.dot; expect_code 0; expect_out "read back"
if command -v dot >/dev/null; then
    dot -Tsvg net.dot >net.svg || fail "Graphviz does not draw it"
    grep -q " outputs</text>" net.svg || fail "no output in the picture"
fi
run export model.safetensors --to json -o /nowhere/net.json; expect_code 1; expect_err "/nowhere/net.json"
run show small.study:1 -f json; expect_code 0
if command -v python3 >/dev/null; then
    python3 - <<'END' || fail "the JSON is not the network"
import json
shown, net = json.load(open("out.txt")), json.load(open("net.json"))
assert net["schema_version"] == 1 and net["task"] == "classify" and net["parameters"] == shown["parameters"] and net["macs"] == shown["macs"]
with open("weights.safetensors", "rb") as file:
    tensors = json.loads(file.read(int.from_bytes(file.read(8), "little")))
tensors.pop("__metadata__")
told = {t["name"]: t["shape"] for layer in net["layers"] for t in layer["tensors"]}
assert told == {name: t["shape"] for name, t in tensors.items()}
END
fi

command -v cc >/dev/null || exit 0
run export model.safetensors --to c -o net.c -f json; expect_code 0
expect_json 'x["difference"] <= 1e-4 and x["samples"] == 8 and x["kind"] == "c"'
cp net.c folded.c
run export model.safetensors --to c -o net.c --keep-norms; expect_code 0; expect_out "difference"
grep -q "norm(" net.c || fail "no norm was kept"
cmp -s net.c folded.c && fail "norms kept and folded are the same"
# The study's own: the trial that was trained, by number and as the best of those that were.
run export small.study:1 --to c -o one.c; expect_code 0
run export small.study --to c -o best.c -f json; expect_code 0; expect_json 'x["model"].endswith("model.safetensors")'
run export small.study:0 --to c -o zero.c; expect_code 2; expect_err "clnas train small.study:0"

fashion=/usr/share/datasets/fashion-mnist
[ -d "$fashion" ] && command -v python3 >/dev/null || exit 0
cat >fashion.cfg <<END
study = "fashion"; seed = 1;
data = { type = "idx"; path = "$fashion"; valid = 10000; };
space = { type = "chain"; depth = [ 3, 4 ]; op = [ "conv", "sep_conv", "max_pool" ]; kernel = [ 3, 5 ]; width = [ 8, 16 ]; };
strategy = { type = "random"; };
train = { epochs = 1; batch = 64; lr = 0.1; samples = 3200; };
budget = { trials = 1; };
retrain = { top = 1; epochs = 1; samples = 6400; };
END
run search fashion.cfg -q; expect_code 0
run export fashion.study --to c -o fashion.c -f json; expect_code 0
expect_json 'x["difference"] <= 1e-4 and x["input"] == "1x28x28" and x["outputs"] == 10'
model=$(python3 -c 'import json; print(json.load(open("out.txt"))["model"])')
run eval "$model" fashion.cfg -f json; expect_code 0
cat >labels.c <<'END'
#include "fashion.h"
#include <stdio.h>
static unsigned char image[FASHION_INPUTS];
static float input[FASHION_INPUTS], output[FASHION_OUTPUTS], work[FASHION_WORK];
int main(void)
{
    while (fread(image, sizeof image, 1, stdin) == 1) {
        int best = 0;
        for (int i = 0; i < FASHION_INPUTS; i++)
            input[i] = image[i];
        fashion_run(input, output, work);
        for (int i = 1; i < FASHION_OUTPUTS; i++)
            best = output[i] > output[best] ? i : best;
        putchar(best);
    }
    return 0;
}
END
cc -std=c99 -Wall -Wextra -Werror -O2 -o labels labels.c fashion.c -lm || fail "it does not compile"
gzip -dc "$fashion/t10k-images-idx3-ubyte.gz" | tail -c +17 | ./labels >predicted || fail "it does not run"
gzip -dc "$fashion/t10k-labels-idx1-ubyte.gz" | tail -c +9 >labels.bin
python3 -c '
import json
truth, got = open("labels.bin", "rb").read(), open("predicted", "rb").read()
told = json.load(open("out.txt"))["accuracy"]
right = sum(a == b for a, b in zip(truth, got)) / len(truth)
assert len(got) == len(truth) == 10000 and abs(right - told) <= 1e-4, (len(got), right, told)' || fail "the C file is not as often right as clnas eval says"
# The module and the ONNX model, where Python can run them.
for kind in "torch -o fashion.py" "onnx -o fashion.onnx"; do
    # shellcheck disable=SC2086 # two words
    run export fashion.study --to $kind -f json; expect_code 0
    expect_json 'x["note"] or x["difference"] <= 1e-4'
done
if command -v valgrind >/dev/null; then
    head -c 1568 /dev/zero | valgrind -q --error-exitcode=9 --leak-check=full ./labels >/dev/null 2>valgrind.txt || fail "valgrind: $(cat valgrind.txt)"
fi
