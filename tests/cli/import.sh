# ONNX models in every command that takes a model: what we export and read back is as often right as what was saved; it is trained on, measured and
# exported again; what is cut or not supported is named.
. "$(dirname "$0")/helper.sh"
write_small_config
have_device || exit 77

run search small.cfg --no-retrain -q; expect_code 0
run train small.study:1 --epochs 2 -o model.safetensors -q; expect_code 0
CLNAS_PEER_PYTHON=/nowhere/python run export model.safetensors --to onnx -o net.onnx -f json; expect_code 0

# The preprocessing inside the model is not applied twice, and norms folded into weights change no answer.
run eval model.safetensors small.cfg -f json; expect_code 0; cp out.txt saved.json
run eval net.onnx small.cfg -f json; expect_code 0; cp out.txt onnx.json
if command -v python3 >/dev/null; then
    python3 - <<'PY' || fail "the ONNX model is scored otherwise than the saved one"
import json
a, b = json.load(open("saved.json")), json.load(open("onnx.json"))
assert a["confusion"] == b["confusion"] and abs(a["loss"] - b["loss"]) < 1e-4, (a, b)
PY
fi

# Trained on from its weights: it begins where it was, and gives a model file like any other.
run train net.onnx small.cfg; expect_code 2; expect_err "-o tuned.safetensors"
run train net.onnx; expect_code 2; expect_err "with which data"
run train net.onnx small.cfg --epochs 2 -o tuned.safetensors -q -f json; expect_code 0
cp out.txt tuned.json
if command -v python3 >/dev/null; then
    python3 - <<'PY' || fail "fine-tuning did not begin with the model's weights, or made it worse"
import json
a, t = json.load(open("saved.json")), json.load(open("tuned.json"))
t = t[0] if isinstance(t, list) else t
t = t.get("rows", [t])[0]
assert abs(t["accuracy_before"] - a["accuracy"]) < 1e-9 and abs(t["loss_before"] - a["loss"]) < 1e-4, (a, t)
assert t["loss_after"] != t["loss_before"] and t["epochs"] == 2, t
PY
fi
run eval tuned.safetensors small.cfg; expect_code 0
run train model.safetensors small.cfg --epochs 1 -o again.safetensors -q; expect_code 0

# Other classes: refused with what to do, and then done.
sed 's/valid = 64;/valid = 64; classes = 3;/' small.cfg >three.cfg
run eval net.onnx three.cfg; expect_code 1; expect_err "--replace-head"
run train net.onnx three.cfg --epochs 1 -o three.safetensors -q; expect_code 1; expect_err "--replace-head"
run train net.onnx three.cfg --epochs 1 --replace-head -o three.safetensors -q; expect_code 0
run eval three.safetensors three.cfg; expect_code 0
run train small.study --replace-head; expect_code 2; expect_err "model files"

# ... and to C, compared with the engine.
if command -v "${CC:-cc}" >/dev/null; then
    run export net.onnx --to c -o net.c -f json; expect_code 0; expect_json 'x["difference"] < 1e-4'
fi
run export net.onnx --to safetensors -o weights.safetensors; expect_code 0

head -c 700 net.onnx >cut.onnx
run eval cut.onnx small.cfg; expect_code 6; expect_err "cut.onnx: damaged at byte"
# An operator that there is not: as long as its name.
sed 's/Gemm/Gemn/' net.onnx >other.onnx
run eval other.onnx small.cfg; expect_code 2; expect_err "(Gemn): this operator is not supported"
run export other.onnx --to c -o net.c; expect_code 2; expect_err "(Gemn)"
run eval small.cfg small.cfg; [ "$code" != 0 ] || fail "a config is no model"

# Norms that were kept are norms again, and trained with the rest.
CLNAS_PEER_PYTHON=/nowhere/python run export model.safetensors --to onnx --keep-norms -o norms.onnx; expect_code 0
run train norms.onnx small.cfg --epochs 1 -o norms.safetensors -q -f json; expect_code 0
grep -q batch_norm norms.safetensors || fail "no norms in the model that was trained on"
if command -v python3 >/dev/null; then
    python3 - <<'PY' || fail "norms came with other statistics, or were not trained"
import json, struct
def read(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    head.pop("__metadata__")
    return {n.split(".")[1] for n in head}, sorted(
        data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]] for n, t in head.items() if "running" in n)
a, b = read("model.safetensors"), read("norms.safetensors")
assert a[0] == b[0] and len(a[1]) == len(b[1]) > 0 and a[1] != b[1]
PY
fi

# Numbers come out of an exported model in their own units, and are learned scaled.
sed 's/type = "synthetic";/type = "synthetic"; task = "regress"; classes = 2;/; s/"small"/"numbers"/' small.cfg >numbers.cfg
run search numbers.cfg --no-retrain -q; expect_code 0
run train numbers.study:0 --epochs 2 -o numbers.safetensors -q; expect_code 0
CLNAS_PEER_PYTHON=/nowhere/python run export numbers.safetensors --to onnx -o numbers.onnx; expect_code 0
run eval numbers.safetensors numbers.cfg -f json; expect_code 0; cp out.txt saved.json
run eval numbers.onnx numbers.cfg -f json; expect_code 0
expect_json 'abs(x["r2"] - json.load(open("saved.json"))["r2"]) < 1e-4 and abs(x["each"][0]["mae"] - json.load(open("saved.json"))["each"][0]["mae"]) < 1e-3'
run train numbers.onnx numbers.cfg --epochs 1 -o numbers2.safetensors -q; expect_code 0
